import { ReleaseRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, fleetJobId, JOB_PATH, nodeIdentity, parseFleet } from "./fleet-call.ts";

export const releaseJob = fleetEndpoint(
  "release-job",
  "POST",
  `${JOB_PATH}/release`,
  "Give a job back without a try",
  async (context) => {
    const who = await nodeIdentity(context);
    const id = fleetJobId(context);
    const body = await parseFleet(ReleaseRequest, context.req.raw);
    const { state } = await askDesk(context, async (stub) => stub.nodeRelease(who, id, body.token));
    return context.json({ state });
  },
);
