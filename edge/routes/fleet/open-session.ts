import { z } from "zod";
import {
  FLEET_BASE,
  featureTag,
  type SessionAnswer,
  SessionRequest,
  sessionChallenge,
} from "../../../shared/contract/fleet.ts";
import { SESSION_KEY_TTL_MS } from "../../../shared/limits.ts";
import { everyPartition } from "../../auth/choose-partition.ts";
import { fromBase64Url, signerOf } from "../../auth/signing.ts";
import { beginSession, findNode } from "../../db/nodes.ts";
import { type Env, envNumber } from "../../env.ts";
import { resolveCore } from "../../partition/turn.ts";
import { fleetEndpoint, fleetError, parseFleet, type SessionClaims } from "./fleet-call.ts";
import { quietReason } from "./quiet-reason.ts";

const Nonce = z.object({ node: z.string(), expires: z.number() });

/** A signed nonce becomes a session: its number fences older sessions of the same node, its key opens all calls. */
export const openSession = fleetEndpoint(
  "open-session",
  "POST",
  `${FLEET_BASE}/sessions`,
  "Open a session",
  async (context) => {
    const body = await parseFleet(SessionRequest, context.req.raw);
    const { env } = context;
    const now = Date.now();
    const nonce = Nonce.safeParse(await signerOf(env).open("nonce", body.nonce));
    if (!nonce.success || nonce.data.node !== body.node_id || nonce.data.expires <= now) {
      throw fleetError("session_expired", "The nonce is not ours, or too old: ask for a challenge again");
    }
    const node = await findNode(env.DB, body.node_id);
    if (node === null || node.revoked_at !== null) throw fleetError("node_revoked", "This node is not enrolled here");
    if (!(await verifyNode(node.public_key, sessionChallenge(body.node_id, body.nonce), body.signature))) {
      throw fleetError("node_revoked", "The signature does not belong to this node");
    }
    const session = await beginSession(env.DB, body, now);
    if (session === null) throw fleetError("node_revoked", "This node is not enrolled here");
    const quiet = quietReason(body.versions, env);
    const claims: z.infer<typeof SessionClaims> = {
      node: node.id,
      session,
      name: node.name,
      tags: [...(JSON.parse(node.tags) as string[]), ...body.features.map(featureTag)],
      country: countryOf(node.tags) ?? node.country,
      account: node.account_id,
      ...(quiet === null ? {} : { quiet: true }),
      expires: now + SESSION_KEY_TTL_MS,
    };
    const answer: SessionAnswer = {
      session,
      session_key: await signerOf(env).seal("session-key", claims),
      expires_in_ms: SESSION_KEY_TTL_MS,
      partitions: await everyPartition(env),
      intervals: intervals(env),
      features: [],
      ...(quiet === null ? {} : { quiet }),
    };
    return context.json(answer, 201);
  },
);

async function verifyNode(publicKey: string, text: string, signature: string): Promise<boolean> {
  const key = fromBase64Url(publicKey);
  const bytes = fromBase64Url(signature);
  if (key === null || bytes === null) return false;
  const imported = await crypto.subtle.importKey("raw", key, { name: "Ed25519" }, false, ["verify"]);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, bytes, new TextEncoder().encode(text));
}

/** The enrolment's `country` tag counts before what the edge saw of the node's address. */
function countryOf(tags: string): string | null {
  const tag = (JSON.parse(tags) as string[]).find((each) => each.startsWith("country="));
  return tag?.slice("country=".length) ?? null;
}

function intervals(env: Env): SessionAnswer["intervals"] {
  const config = resolveCore({ leaseTtlMs: envNumber(env.TRAWL_LEASE_TTL_MS, 0) || undefined });
  return {
    lease_ttl_ms: config.leaseTtlMs,
    heartbeat_ms: Math.floor(config.heartbeatMs),
    poll_ms: Math.floor(config.pollMs),
    progress_ms: Math.floor(config.progressUnwatchedMs),
  };
}
