import { type ConfirmAnswer, ConfirmRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, fleetJobId, JOB_PATH, nodeIdentity, parseFleet } from "./fleet-call.ts";

export const confirmJob = fleetEndpoint(
  "confirm-job",
  "POST",
  `${JOB_PATH}/confirm`,
  "Take an offered job, before touching its source",
  async (context) => {
    const who = await nodeIdentity(context);
    const id = fleetJobId(context);
    const body = await parseFleet(ConfirmRequest, context.req.raw);
    const answer: ConfirmAnswer = await askDesk(context, async (stub) => stub.nodeConfirm(who, id, body.token));
    return context.json(answer);
  },
);
