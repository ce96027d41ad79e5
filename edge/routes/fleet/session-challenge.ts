import { ChallengeRequest, FLEET_BASE } from "../../../shared/contract/fleet.ts";
import { NONCE_TTL_MS } from "../../../shared/limits.ts";
import { signerOf, toBase64Url } from "../../auth/signing.ts";
import { fleetEndpoint, parseFleet } from "./fleet-call.ts";

/** A nonce for the session's signature. Stateless: signed by us, bound to the node, good for a minute. */
export const sessionChallenge = fleetEndpoint(
  "session-challenge",
  "POST",
  `${FLEET_BASE}/challenge`,
  "Ask for a nonce",
  async (context) => {
    const body = await parseFleet(ChallengeRequest, context.req.raw);
    const nonce = await signerOf(context.env).seal("nonce", {
      node: body.node_id,
      expires: Date.now() + NONCE_TTL_MS,
      salt: toBase64Url(crypto.getRandomValues(new Uint8Array(12))),
    });
    return context.json({ nonce });
  },
);
