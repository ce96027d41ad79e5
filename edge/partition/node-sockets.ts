/** The sockets of worker nodes: hints out, progress in. Whatever passes here may be lost. */
import { type EdgeFrame, NodeFrame } from "../../shared/contract/fleet.ts";
import { MAX_FRAME_BYTES } from "../../shared/limits.ts";
import type { NodeIdentity } from "./sessions.ts";

/** Kept with the socket, so that it survives the object's sleep. */
interface Attachment {
  who: NodeIdentity;
}

export class NodeSockets {
  readonly #context: DurableObjectState;

  constructor(context: DurableObjectState) {
    this.#context = context;
  }

  /** Answers an upgrade. One socket a node: an older one is closed. */
  accept(who: NodeIdentity): Response {
    for (const old of this.#context.getWebSockets(who.node)) old.close(4000, "a newer socket of this node");
    const pair = new WebSocketPair();
    this.#context.acceptWebSocket(pair[1], [who.node]);
    pair[1].serializeAttachment({ who } satisfies Attachment);
    return new Response(null, { status: 101, webSocket: pair[0] });
  }

  whose(socket: WebSocket): NodeIdentity | null {
    return (socket.deserializeAttachment() as Attachment | null)?.who ?? null;
  }

  /** Parses one frame; null for anything that the protocol does not have. */
  parse(message: string | ArrayBuffer): NodeFrame | null {
    if (typeof message !== "string" || message.length > MAX_FRAME_BYTES) return null;
    try {
      return NodeFrame.parse(JSON.parse(message));
    } catch {
      return null;
    }
  }

  /** False when no socket took it. */
  send(node: string, frame: EdgeFrame): boolean {
    const text = JSON.stringify(frame);
    let taken = false;
    for (const socket of this.#context.getWebSockets(node)) {
      try {
        socket.send(text);
        taken = true;
      } catch {
        // Closing already: the node polls, and heartbeats repeat what matters.
      }
    }
    return taken;
  }

  close(node: string, code: number, reason: string): void {
    for (const socket of this.#context.getWebSockets(node)) socket.close(code, reason);
  }
}
