import { DurableObject } from "cloudflare:workers";
import type { Env } from "../env.ts";
import type { JobEventData } from "../partition/events.ts";

/** What a socket wants to hear. */
export interface StreamFilter {
  job: string | null;
}

/**
 * Fans out the live events of one account over hibernating WebSockets, so that the object sleeps while streams are open.
 * It stores nothing: what was missed is asked of the partition.
 */
export class EventStream extends DurableObject<Env> {
  override async fetch(request: Request): Promise<Response> {
    const filter: StreamFilter = { job: new URL(request.url).searchParams.get("job") };
    const pair = new WebSocketPair();
    this.ctx.acceptWebSocket(pair[1]);
    pair[1].serializeAttachment(filter);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  /** Sends each event to the sockets that want it. Returns how many sockets are open at all. */
  async publish(events: readonly JobEventData[]): Promise<number> {
    const sockets = this.ctx.getWebSockets();
    for (const socket of sockets) {
      const filter = socket.deserializeAttachment() as StreamFilter;
      for (const event of events) {
        if (filter.job !== null && filter.job !== event.job_id) continue;
        try {
          socket.send(JSON.stringify(event));
        } catch {
          // Closing: its reader resumes by id.
        }
      }
    }
    return sockets.length;
  }

  override async webSocketClose(socket: WebSocket): Promise<void> {
    socket.close();
  }
}
