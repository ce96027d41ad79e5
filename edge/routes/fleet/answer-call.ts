import { CallAnswer } from "../../../shared/contract/calls.ts";
import { MAX_CALL_ANSWER_BYTES } from "../../../shared/limits.ts";
import { askDesk, fleetEndpoint, fleetError, nodeIdentity, PARTITION_PATH, parseFleet } from "./fleet-call.ts";

/** The answer to an interactive call, at most 4 MB; 410 when nobody waits for it any more. */
export const answerCall = fleetEndpoint(
  "answer-call",
  "POST",
  `${PARTITION_PATH}/calls/:call/answer`,
  "Answer an interactive call",
  async (context) => {
    const who = await nodeIdentity(context);
    const call = context.req.param("call") ?? "";
    const body = await parseFleet(CallAnswer, context.req.raw, MAX_CALL_ANSWER_BYTES);
    const taken = await askDesk(context, async (stub) => ({ taken: await stub.nodeAnswer(who, call, body) }));
    if (!taken.taken) throw fleetError("call_over", "Nobody waits for this answer any more");
    return context.json({ state: "answered" });
  },
);
