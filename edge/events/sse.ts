/** Server-sent events over a socket of the account's EventStream: the object may sleep while the response stays open. */
import type { EventStream, StreamFilter } from "./event-stream.ts";

/** Comment that keeps proxies from closing a quiet stream (jobs API 7). */
const KEEP_ALIVE_MS = 15_000;

export interface StreamEvent {
  id: string;
  type: string;
}

export interface Opening {
  /** Sent before anything live. */
  first: StreamEvent[];
  /** Live events up to this id are in `first` already. */
  after: number;
  /** Nothing can follow. */
  done: boolean;
}

export interface EventStreamOptions {
  filter: StreamFilter;
  /** Runs once the socket is subscribed. */
  opening(): Promise<Opening>;
  /** After this event the stream closes. */
  isLast(event: StreamEvent): boolean;
}

/** Answers with the stream; throws before the first byte if the opening fails. */
export async function openEventStream(
  stub: DurableObjectStub<EventStream>,
  options: EventStreamOptions,
): Promise<Response> {
  const query = options.filter.job === null ? "" : `?job=${options.filter.job}`;
  const upgraded = await stub.fetch(`https://stream/${query}`, { headers: { upgrade: "websocket" } });
  const socket = upgraded.webSocket;
  if (socket === null) throw new Error("the event stream gave no socket");
  const waiting: StreamEvent[] = [];
  let deliver = (event: StreamEvent) => {
    waiting.push(event);
  };
  socket.addEventListener("message", (message) => deliver(JSON.parse(String(message.data)) as StreamEvent));
  socket.accept();
  let opening: Opening;
  try {
    opening = await options.opening();
  } catch (error) {
    socket.close();
    throw error;
  }

  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const encoder = new TextEncoder();
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    clearInterval(keepAlive);
    socket.close();
    writer.close().catch(() => {});
  };
  const write = (text: string) => {
    writer.write(encoder.encode(text)).catch(end);
  };
  const keepAlive = setInterval(() => write(": keep-alive\n\n"), KEEP_ALIVE_MS);
  let newest = opening.after;
  const send = (event: StreamEvent) =>
    write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const live = (event: StreamEvent) => {
    if (ended || Number(event.id) <= newest) return;
    newest = Number(event.id);
    send(event);
    if (options.isLast(event)) end();
  };
  for (const event of opening.first) send(event);
  deliver = live;
  for (const event of waiting) live(event);
  if (opening.done) end();
  socket.addEventListener("close", end);
  writer.closed.catch(end);
  return new Response(readable, {
    headers: { "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no" },
  });
}
