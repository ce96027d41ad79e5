import { StepRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, fleetJobId, JOB_PATH, nodeIdentity, parseFleet } from "./fleet-call.ts";

export const reportStep = fleetEndpoint(
  "report-step",
  "POST",
  `${JOB_PATH}/step`,
  "Report the next step of an attempt",
  async (context) => {
    const who = await nodeIdentity(context);
    const id = fleetJobId(context);
    const body = await parseFleet(StepRequest, context.req.raw);
    const { state } = await askDesk(context, async (stub) => stub.nodeStep(who, id, body.token, body.step));
    return context.json({ state });
  },
);
