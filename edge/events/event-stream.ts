import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import type { PublicEvent } from "../partition/resume.ts";

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
 * Fans out the live events of one account over hibernating WebSockets, so that the object sleeps while streams are open.
 * It stores nothing: what was missed is asked of the partition.
 */
export class EventStream extends DurableObject<Env> {
  /** In memory: the object does not fall asleep within the seconds that count. */
  readonly #revoked = new Map<string, number>();

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
    this.ctx.acceptWebSocket(pair[1]);
    pair[1].serializeAttachment(filter);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  /** Sends each event to the sockets that want it. Returns how many sockets are open at all. */
  async publish(events: readonly PublicEvent[]): Promise<number> {
    const sockets = this.ctx.getWebSockets();
    for (const socket of sockets) {
      const filter = socket.deserializeAttachment() as StreamFilter;
      for (const event of events) {
        if (filter.job !== null && !("job_id" in event && event.job_id === filter.job)) continue;
        if (filter.batch !== null && event.batch_id !== filter.batch) continue;
        try {
          socket.send(JSON.stringify(event));
        } catch {
          // Closing: its reader resumes by id.
        }
      }
    }
    return sockets.length;
  }

  /** Ends the streams of revoked keys. Returns how many there were. */
  async closeKeys(keys: readonly string[]): Promise<number> {
    const now = Date.now();
    for (const [key, at] of this.#revoked) if (now - at > REVOKED_KEPT_MS) this.#revoked.delete(key);
    for (const key of keys) this.#revoked.set(key, now);
    const theirs = this.ctx
      .getWebSockets()
      .filter((socket) => keys.includes((socket.deserializeAttachment() as StreamFilter).key));
    for (const socket of theirs) socket.close(KEY_REVOKED_CODE, "this key was revoked");
    return theirs.length;
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    socket.close();
  }
}
