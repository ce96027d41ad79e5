import { HeartbeatRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, nodeIdentity, PARTITION_PATH, parseFleet } from "./fleet-call.ts";

export const heartbeat = fleetEndpoint(
  "heartbeat",
  "POST",
  `${PARTITION_PATH}/heartbeat`,
  "Renew the lease on everything this session holds",
  async (context) => {
    const who = await nodeIdentity(context);
    const body = await parseFleet(HeartbeatRequest, context.req.raw);
    return context.json(await askDesk(context, async (stub) => stub.nodeHeartbeat(who, body)));
  },
);
