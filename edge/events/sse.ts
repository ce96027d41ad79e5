/** Server-sent events over a socket of the account's EventStream: the object may sleep while the response stays open. */
import type { LiveEvents, StreamEvent } from "./live-events.ts";

/** Comment that keeps proxies from closing a quiet stream (jobs API 7). */
const KEEP_ALIVE_MS = 15_000;

/** Answers with the stream; it ends with the last event, or when the client goes. */
export function sseResponse(live: LiveEvents): Response {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    clearInterval(keepAlive);
    live.close();
    writer.close().catch(() => {});
  };
  const write = (text: string) => {
    writer.write(encoder.encode(text)).catch(end);
  };
  const keepAlive = setInterval(() => write(": keep-alive\n\n"), KEEP_ALIVE_MS);
  writer.closed.catch(end);
  live.start({
    send: (event: StreamEvent) => write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`),
    end,
  });
  return new Response(readable, {
    headers: { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" },
  });
}

/** `Last-Event-ID`, or the same in the query; null when there is none that could be an id. */
export function lastEventId(header: string | undefined, query: string | undefined): number | null {
  const text = header ?? query;
  return text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : null;
}

const JOB_ENDS = new Set(["job.completed", "job.failed", "job.warning", "job.skipped", "job.cancelled"]);

export function endsJob(event: { type: string }): boolean {
  return JOB_ENDS.has(event.type);
}
