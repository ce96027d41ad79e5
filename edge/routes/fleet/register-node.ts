import type { z } from "zod";
import { FLEET_BASE, type RegisterAnswer, RegisterRequest } from "../../../shared/contract/fleet.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { sha256Hex } from "../../auth/api-keys.ts";
import { registerNode as insertNode } from "../../db/nodes.ts";
import { fleetEndpoint, fleetError, parseFleet } from "./fleet-call.ts";

/** Once in a node's life: its public key for an enrolment token. */
export const registerNode = fleetEndpoint(
  "register-node",
  "POST",
  `${FLEET_BASE}/register`,
  "Enrol a node",
  async (context) => {
    const body = await parseFleet(RegisterRequest, context.req.raw);
    const now = Date.now();
    const country = context.req.raw.cf?.country;
    const node = await insertNode(context.env.DB, {
      nodeId: uuidv7(now, crypto.getRandomValues(new Uint8Array(10))),
      name: body.name,
      publicKey: body.public_key,
      enrolmentHash: await sha256Hex(body.enrolment),
      country: typeof country === "string" ? country.toLowerCase() : null,
      now,
    });
    if (node === null)
      throw fleetError(
        "enrolment_invalid",
        "The enrolment token is unknown, used up or expired; make another with: trawl enrol",
      );
    if (node === "removed") {
      throw fleetError("node_revoked", "The operator has removed this node: give it a new data folder to enrol anew");
    }
    return context.json({ node_id: node.id, name: node.name } satisfies z.infer<typeof RegisterAnswer>, 201);
  },
);
