/** One reader of an account's events: what was missed or a snapshot first, then live, in order, nothing twice. */
import { starting } from "../app-error.ts";
import { invalidKey } from "../auth/authenticate.ts";
import { atTime } from "./at-time.ts";
import type { EventStream, StreamFilter } from "./event-stream.ts";
import { fromFrames, type ToldEvent, told } from "./frame.ts";

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

export interface LiveOptions {
  filter: StreamFilter;
  /** When the key expires, and the stream with it; null: never. */
  until: number | null;
  /** Runs once the socket is subscribed: the other order loses events. */
  opening(): Promise<Opening>;
  /** After this event nothing follows. */
  isLast(event: Pick<ToldEvent, "type">): boolean;
}

export interface Sink {
  /** At least one, in order; what has come together. */
  send(events: readonly ToldEvent[]): void;
  /** Called once: after the last event, when the key was revoked or has expired, or when the stream object went away. */
  end(): void;
}

export interface LiveEvents {
  /** Begins to deliver. */
  start(sink: Sink): void;
  close(): void;
}

async function subscribe(stub: DurableObjectStub<EventStream>, filter: StreamFilter): Promise<WebSocket> {
  const query = new URLSearchParams({ key: filter.key });
  if (filter.job !== null) query.set("job", filter.job);
  if (filter.batch !== null) query.set("batch", filter.batch);
  const upgraded = await stub.fetch(`https://stream/?${query}`, { headers: { upgrade: "websocket" } }).catch(() => {
    throw starting();
  });
  if (upgraded.status === 401) throw invalidKey();
  if (upgraded.webSocket === null) throw new Error("the event stream gave no socket");
  return upgraded.webSocket;
}

/** Subscribes and reads the opening. Throws 401 for a key that was revoked since the request came in. */
export async function openLiveEvents(stub: DurableObjectStub<EventStream>, options: LiveOptions): Promise<LiveEvents> {
  const socket = await subscribe(stub, options.filter);
  const waiting: ToldEvent[] = [];
  let deliver = (events: readonly ToldEvent[]) => {
    waiting.push(...events);
  };
  socket.addEventListener("message", (message) => deliver(fromFrames(String(message.data))));
  // It may close at any time from now on: a revocation does not wait for the opening.
  let closed = false;
  let onClose = () => {
    closed = true;
  };
  socket.addEventListener("close", () => onClose());
  socket.accept();
  const cancel = atTime(options.until, () => {
    socket.close();
    onClose();
  });
  let opening: Opening;
  try {
    opening = await options.opening();
  } catch (error) {
    cancel();
    socket.close();
    throw error;
  }
  return {
    start(sink) {
      let ended = false;
      const end = () => {
        if (ended) return;
        ended = true;
        cancel();
        socket.close();
        sink.end();
      };
      let newest = opening.after;
      deliver = (events) => {
        if (ended) return;
        const fresh: ToldEvent[] = [];
        let last = false;
        for (const event of events) {
          if (last || Number(event.id) <= newest) continue;
          newest = Number(event.id);
          fresh.push(event);
          last = options.isLast(event);
        }
        if (fresh.length > 0) sink.send(fresh);
        if (last) end();
      };
      if (opening.first.length > 0) sink.send(opening.first.map(told));
      deliver(waiting);
      if (opening.done || closed) end();
      onClose = end;
    },
    close: () => {
      cancel();
      socket.close();
    },
  };
}
