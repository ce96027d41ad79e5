import { FailRequest } from "../../../shared/contract/fleet.ts";
import { askDesk, fleetEndpoint, fleetJobId, JOB_PATH, nodeIdentity, parseFleet } from "./fleet-call.ts";

export const failJob = fleetEndpoint(
  "fail-job",
  "POST",
  `${JOB_PATH}/fail`,
  "Give up on an attempt",
  async (context) => {
    const who = await nodeIdentity(context);
    const id = fleetJobId(context);
    const body = await parseFleet(FailRequest, context.req.raw);
    const report = {
      class: body.class,
      message: body.message,
      permanent: body.permanent,
      retryAfterMs: body.retry_after_seconds === null ? null : body.retry_after_seconds * 1000,
      startsInMs: body.starts_in_seconds == null ? null : body.starts_in_seconds * 1000,
    };
    const { state } = await askDesk(context, async (stub) => stub.nodeFail(who, id, body.token, report));
    return context.json({ state });
  },
);
