import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import type { PublicEvent } from "../partition/resume.ts";
import { toFrame } from "./frame.ts";

/** What a socket wants to hear, and by which key it was opened. */
export interface StreamFilter {
  job: string | null;
  batch: string | null;
  key: string;
}

/** Close code of a stream whose key was revoked. */
const KEY_REVOKED_CODE = 4001;
/** A request that passed the key's check just before its revocation may still ask for a stream for so long. */
const REVOKED_KEPT_MS = 60_000;

/**
 * Events are gathered for a tenth of a millisecond a socket, so that a thousand readers cost a round of messages ten times
 * a second and not one an event (measured: docs/decisions/041). A few readers hear everything at once.
 */
const GATHER_MS_PER_SOCKET = 0.1;
const GATHER_MAX_MS = 100;
/** More than this is not held back. */
const GATHER_MAX_EVENTS = 1_000;

/**
 * Fans out the live events of one account over hibernating WebSockets, so that the object sleeps while streams are open.
 * It stores nothing: what was missed is asked of the partition.
 */
export class EventStream extends DurableObject<Env> {
  /** In memory: the object does not fall asleep within the seconds that count. */
  readonly #revoked = new Map<string, number>();
  /** Gathered, in the order of their ids. Lost with the object, as are its sockets then, whose readers resume. */
  #gathered: PublicEvent[] = [];
  #timer: ReturnType<typeof setTimeout> | null = null;

  /** The filter is the query: `key`, and `job` or `batch` for the events of one only. */
  override async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const filter: StreamFilter = {
      job: query.get("job"),
      batch: query.get("batch"),
      key: query.get("key") ?? "",
    };
    if (this.#revoked.has(filter.key)) return new Response(null, { status: 401 });
    const pair = new WebSocketPair();
    this.ctx.acceptWebSocket(pair[1], [wishOf(filter), keyTag(filter.key)]);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  /** Events of the account, in order: for the sockets that want them. Returns how many sockets are open at all. */
  async publish(events: readonly PublicEvent[]): Promise<number> {
    const open = this.ctx.getWebSockets().length;
    if (open === 0) return 0;
    this.#gathered.push(...events);
    const wait = Math.floor(Math.min(GATHER_MAX_MS, open * GATHER_MS_PER_SOCKET));
    if (wait === 0 || this.#gathered.length >= GATHER_MAX_EVENTS) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), wait);
    return open;
  }

  /** One message a socket, found by its tag: what others watch costs nothing. */
  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const byWish = new Map<string, string[]>();
    for (const event of this.#gathered) {
      const text = toFrame(event);
      for (const wish of wishesFor(event)) byWish.set(wish, [...(byWish.get(wish) ?? []), text]);
    }
    this.#gathered = [];
    for (const [wish, texts] of byWish) {
      const message = texts.join("\n");
      for (const socket of this.ctx.getWebSockets(wish)) {
        try {
          socket.send(message);
        } catch {
          // Closing: its reader resumes by id.
        }
      }
    }
  }

  /** Ends the streams of revoked keys. Returns how many there were. */
  async closeKeys(keys: readonly string[]): Promise<number> {
    const now = Date.now();
    for (const [key, at] of this.#revoked) if (now - at > REVOKED_KEPT_MS) this.#revoked.delete(key);
    for (const key of keys) this.#revoked.set(key, now);
    const theirs = keys.flatMap((key) => this.ctx.getWebSockets(keyTag(key)));
    for (const socket of theirs) socket.close(KEY_REVOKED_CODE, "this key was revoked");
    return theirs.length;
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    socket.close();
  }
}

/** Tags of sockets, by which the platform finds them. */
const EVERYTHING = "all";

function wishOf({ job, batch }: StreamFilter): string {
  if (job !== null) return `job:${job}`;
  return batch === null ? EVERYTHING : `batch:${batch}`;
}

function wishesFor(event: PublicEvent): string[] {
  const job = "job_id" in event ? [`job:${event.job_id}`] : [];
  const batch = event.batch_id === null ? [] : [`batch:${event.batch_id}`];
  return [EVERYTHING, ...job, ...batch];
}

function keyTag(key: string): string {
  return `key:${key}`;
}
