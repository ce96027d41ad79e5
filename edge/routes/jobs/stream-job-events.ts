import { openEventStream } from "../../events/sse.ts";
import { type JobEventData, jobEventData, terminalEventType } from "../../partition/events.ts";
import { isTerminal } from "../../partition/states.ts";
import type { Endpoint } from "../endpoint.ts";
import { askPartition, jobIdOf, notFound, readJobSource, readJobView } from "./job-access.ts";

/** `GET /jobs/{id}/events` (jobs API 7): snapshot, live events, and the end with the job's terminal event. */
export const streamJobEvents: Endpoint = {
  operationId: "stream-job-events",
  method: "GET",
  path: "/jobs/:id/events",
  summary: "Follow a job as server-sent events",
  scope: "jobs:read",
  async handler(context) {
    const id = jobIdOf(context);
    const { account } = context.var.caller;
    const known = await readJobSource(context, id);
    if (known === null) throw notFound();
    const since = lastEventId(context.req.header("last-event-id") ?? context.req.query("last_event_id"));
    const { row } = known;
    if (since !== null && row.terminal_event_id !== null && since >= row.terminal_event_id) {
      // 204 is what stops a browser's EventSource from coming back.
      return new Response(null, { status: 204 });
    }
    return openEventStream(context.env.EVENT_STREAM.getByName(account.id), {
      filter: { job: id },
      // Subscribe first, then the newest id, then the body: the other order loses events.
      async opening() {
        const { newest, missed } = await askPartition(context, (stub) => stub.openStream(account.id, id, since));
        if (missed !== null)
          return { first: missed, after: Number(missed.at(-1)?.id ?? since), done: missed.some(endsJob) };
        const view = await readJobView(context, id);
        const after = await readJobSource(context, id);
        const snapshot = { id: String(newest), type: "snapshot", time: Date.now(), job: view };
        const end = after === null ? null : terminalEvent(after.row);
        // A job that ended before we looked has no more events to wait for.
        if (end !== null && view.finished_at !== null) return { first: [snapshot, end], after: newest, done: true };
        return { first: [snapshot], after: newest, done: false };
      },
      isLast: endsJob,
    });
  },
};

function lastEventId(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null;
}

const TERMINAL_TYPES = new Set(["job.completed", "job.failed", "job.warning", "job.skipped", "job.cancelled"]);

function endsJob(event: { type: string }): boolean {
  return TERMINAL_TYPES.has(event.type);
}

function terminalEvent(row: Parameters<typeof jobEventData>[0]): JobEventData | null {
  const type = isTerminal(row.state) ? terminalEventType(row.state) : null;
  if (type === null || row.terminal_event_id === null) return null;
  return jobEventData(row, row.terminal_event_id, type, row.finished_at ?? Date.now());
}
