import { JobEvent, JobSnapshot } from "../../../shared/contract/views/events.ts";
import { type LiveOptions, openLiveEvents } from "../../events/live-events.ts";
import { endsJob, lastEventId, sseResponse } from "../../events/sse.ts";
import { refused } from "../../openapi/describe.ts";
import { NOTHING_MORE, streamed } from "../../openapi/event-answers.ts";
import { RESUME_HEADER, RESUME_QUERY } from "../../openapi/queries.ts";
import { type JobEventData, jobEventData, terminalEventType } from "../../partition/events.ts";
import type { JobRow } from "../../partition/job-row.ts";
import { isTerminal } from "../../partition/states.ts";
import type { Endpoint } from "../endpoint.ts";
import { accountFacts, askPartition, jobIdOf, notFound, readJobSource, readJobView } from "./job-access.ts";

/** `GET /jobs/{id}/events` (jobs API 7): snapshot, live events, and the end with the job's terminal event. */
export const streamJobEvents: Endpoint = {
  operationId: "stream-job-events",
  method: "GET",
  path: "/jobs/:id/events",
  summary: "Follow a job as server-sent events",
  scope: "jobs:read",
  describe: {
    tag: "Events",
    id: "Id of the job",
    details: "Opens with a snapshot, closes after the terminal event.",
    query: RESUME_QUERY,
    headers: RESUME_HEADER,
    answers: [
      ...streamed(JobSnapshot, JobEvent),
      NOTHING_MORE,
      refused(404, "Unknown id, another account's, or no UUID.", "Job not found"),
    ],
  },
  async handler(context) {
    const id = jobIdOf(context);
    const { account, ...caller } = context.var.caller;
    const known = await readJobSource(context, id);
    if (known === null) throw notFound();
    const since = lastEventId(context.req.header("last-event-id"), context.req.query("last_event_id"));
    const { terminal_event_id: over } = known.row;
    // 204 is what stops a browser's EventSource from coming back.
    if (since !== null && over !== null && since >= over) return new Response(null, { status: 204 });
    const options: LiveOptions = {
      filter: { job: id, batch: null, key: caller.keyId },
      until: caller.expiresAt,
      async opening() {
        const scope = { kind: "job", id } as const;
        const { newest, missed } = await askPartition(context, async (stub) =>
          stub.openStream(accountFacts(context), scope, since),
        );
        if (missed !== null) {
          return { first: missed, after: Number(missed.at(-1)?.id ?? since), done: missed.some(endsJob) };
        }
        const view = await readJobView(context, id);
        const snapshot = { id: String(newest), type: "snapshot", time: Date.now(), job: view };
        // A job that ended before we looked has no more events to wait for.
        const after = view.finished_at === null ? null : await readJobSource(context, id);
        const end = after === null ? null : terminalEvent(after.row);
        if (end === null) return { first: [snapshot], after: newest, done: false };
        // Its end is the newest event that the snapshot reflects, so the ids do not fall.
        return { first: [{ ...snapshot, id: end.id }, end], after: newest, done: true };
      },
      isLast: endsJob,
    };
    const stream = context.env.EVENT_STREAM.getByName(account.id);
    return sseResponse(context.req.raw, () => openLiveEvents(stream, options));
  },
};

function terminalEvent(row: JobRow): JobEventData | null {
  const type = isTerminal(row.state) ? terminalEventType(row.state) : null;
  if (type === null || row.terminal_event_id === null) return null;
  return jobEventData(row, row.terminal_event_id, type, row.finished_at ?? Date.now());
}
