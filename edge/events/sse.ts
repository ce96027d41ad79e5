/** Server-sent events over a socket of the account's EventStream: the object may sleep while the response stays open. */
import type { LiveEvents } from "./live-events.ts";

/** Comment that keeps proxies from closing a quiet stream (jobs API 7). */
const KEEP_ALIVE_MS = 15_000;
/**
 * What a client may leave unread, about a thousand events. The stream of one that falls further behind ends after them: so
 * it holds no more of our memory than this, and comes back with `Last-Event-ID` for the rest. Nobody waits for it.
 */
const MAX_UNREAD_BYTES = 512 * 1_024;

const HEADERS = { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" };

/**
 * Answers with the stream that `open` gives; it ends with the last event, or when the client goes. HEAD gets the headers
 * alone: nobody would read the rest.
 */
export async function sseResponse(request: Request, open: () => Promise<LiveEvents>): Promise<Response> {
  if (request.method === "HEAD") return new Response(null, { headers: HEADERS });
  return new Response(streamOf(await open()), { headers: HEADERS });
}

function streamOf(live: LiveEvents): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let stop = () => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let ended = false;
        stop = () => {
          ended = true;
          clearInterval(keepAlive);
          live.close();
        };
        const end = () => {
          if (ended) return;
          stop();
          controller.close();
        };
        const write = (text: string) => {
          if (ended) return;
          controller.enqueue(encoder.encode(text));
          if ((controller.desiredSize ?? 0) <= 0) end();
        };
        const keepAlive = setInterval(() => write(": keep-alive\n\n"), KEEP_ALIVE_MS);
        live.start({
          send: (events) =>
            write(events.map(({ id, type, data }) => `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`).join("")),
          end,
        });
      },
      cancel() {
        stop();
      },
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_UNREAD_BYTES }),
  );
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
