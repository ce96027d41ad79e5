import { BatchEvent, BatchSnapshot, JobEvent } from "../../../shared/contract/views/events.ts";
import { batchJobIds } from "../../db/batches.ts";
import { type LiveOptions, openLiveEvents } from "../../events/live-events.ts";
import { lastEventId, sseResponse } from "../../events/sse.ts";
import { refused } from "../../openapi/describe.ts";
import { NOTHING_MORE, streamed } from "../../openapi/event-answers.ts";
import { RESUME_HEADER, RESUME_QUERY } from "../../openapi/queries.ts";
import { batchEventData } from "../../partition/batch-events.ts";
import type { Endpoint } from "../endpoint.ts";
import { accountFacts, askPartition } from "../jobs/job-access.ts";
import { batchIdOf, readBatchRow } from "./batch-access.ts";
import { batchView } from "./batch-view.ts";

/** `GET /batch/{id}/events` (jobs API 7): the batch and its jobs; ends with `batch.completed`. */
export const streamBatchEvents: Endpoint = {
  operationId: "stream-batch-events",
  method: "GET",
  path: "/batch/:id/events",
  summary: "Follow a batch as server-sent events",
  scope: "jobs:read",
  describe: {
    tag: "Events",
    id: "Id of the batch",
    details: "The batch and its jobs. Opens with a snapshot, closes after `batch.completed`.",
    query: RESUME_QUERY,
    headers: RESUME_HEADER,
    answers: [
      ...streamed(BatchSnapshot, BatchEvent, JobEvent),
      NOTHING_MORE,
      refused(404, "Unknown id, another account's, or no UUID.", "Batch not found"),
    ],
  },
  async handler(context) {
    const id = batchIdOf(context);
    const { account, keyId, expiresAt } = context.var.caller;
    const known = await readBatchRow(context, id);
    const since = lastEventId(context.req.header("last-event-id"), context.req.query("last_event_id"));
    const over = known.terminal_event_id ?? null;
    if (since !== null && over !== null && since >= over) return new Response(null, { status: 204 });
    const endsBatch = (event: { type: string }) => event.type === "batch.completed";
    const options: LiveOptions = {
      filter: { job: null, batch: id, key: keyId },
      until: expiresAt,
      async opening() {
        const scope = { kind: "batch", id } as const;
        const { newest, missed } = await askPartition(context, async (stub) =>
          stub.openStream(accountFacts(context), scope, since),
        );
        if (missed !== null) {
          return { first: missed, after: Number(missed.at(-1)?.id ?? since), done: missed.some(endsBatch) };
        }
        const batch = await readBatchRow(context, id);
        const ids = await batchJobIds(context.env.DB, account.id, id);
        const snapshot = { id: String(newest), type: "snapshot", time: Date.now(), batch: batchView(batch, ids) };
        if (batch.finished_at === null || batch.terminal_event_id === null) {
          return { first: [snapshot], after: newest, done: false };
        }
        const end = batchEventData(batch, batch.terminal_event_id, "batch.completed", batch.finished_at);
        // Its end is the newest event that the snapshot reflects, so the ids do not fall.
        return { first: [{ ...snapshot, id: end.id }, end], after: newest, done: true };
      },
      isLast: endsBatch,
    };
    const stream = context.env.EVENT_STREAM.getByName(account.id);
    return sseResponse(context.req.raw, () => openLiveEvents(stream, options));
  },
};
