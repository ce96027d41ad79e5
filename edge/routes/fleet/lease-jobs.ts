import { LeaseRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, nodeIdentity, PARTITION_PATH, parseFleet } from "./fleet-call.ts";

export const leaseJobs = fleetEndpoint(
  "lease-jobs",
  "POST",
  `${PARTITION_PATH}/lease`,
  "Ask for work",
  async (context) => {
    const who = await nodeIdentity(context);
    const body = await parseFleet(LeaseRequest, context.req.raw);
    return context.json(await askDesk(context, async (stub) => stub.nodeLease(who, body)));
  },
);
