import { CompleteRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, fleetJobId, JOB_PATH, nodeIdentity, parseFleet } from "./fleet-call.ts";

export const completeJob = fleetEndpoint(
  "complete-job",
  "POST",
  `${JOB_PATH}/complete`,
  "Deliver: the manifest of an attempt that succeeded",
  async (context) => {
    const who = await nodeIdentity(context);
    const id = fleetJobId(context);
    const body = await parseFleet(CompleteRequest, context.req.raw);
    const { state } = await askDesk(context, async (stub) => stub.nodeComplete(who, id, body.token, body.manifest));
    return context.json({ state });
  },
);
