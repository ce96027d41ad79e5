/** A node that answers interactive calls: the question comes over its socket, the answer goes by HTTP. */
import type { CallRequest } from "../../shared/contract/calls.ts";
import { YTDLP_CALLS } from "../../shared/contract/ytdlp-calls.ts";
import { PARTITION_PATH, TestNode } from "./fleet-node.ts";
import { type Account, call, type Json } from "./support.ts";

/** What a node says to a question: the body of `…/calls/<call>/answer`. */
export type Answerer = (request: CallRequest) => Json;

export interface AnsweringNode {
  node: TestNode;
  close(): void;
}

export async function answeringNode(account: Account, answer: Answerer, tags: string[] = []): Promise<AnsweringNode> {
  const node = await TestNode.online(account, tags, [YTDLP_CALLS]);
  const headers = { upgrade: "websocket", authorization: `Bearer ${node.session?.session_key}` };
  const { webSocket } = await call(`${PARTITION_PATH}/socket`, { headers });
  if (webSocket === null) throw new Error("no socket");
  webSocket.accept();
  webSocket.addEventListener("message", (message) => {
    const frame = JSON.parse(String(message.data)) as { type: string; call: string; request: CallRequest };
    if (frame.type === "call") void node.call(`calls/${frame.call}/answer`, answer(frame.request));
  });
  return { node, close: () => webSocket.close() };
}

export const LOOK = {
  kind: "look",
  title: "A talk",
  duration: 41,
  width: 720,
  height: 1280,
  extractor: "YouTube",
  uploader: "Some channel",
  thumbnail: "https://i.example.com/t.jpg",
  description: "Recorded on stage",
  view_count: 1500,
  like_count: 20,
  upload_date: "20261025",
  filesize_approx: 62_914_560,
  is_live: false,
  is_list: false,
  entry_count: null,
  formats: [],
};

/** Two entries, the second one without anything that a source may leave out. */
export function expansion(title: string): Json {
  const first = { title: "Pilot", description: "How it began", release_date: "2026-01-19T06:00:00Z" };
  const second = { title: null, description: null, release_date: null };
  return {
    kind: "expand",
    title,
    truncated: true,
    entries: [first, second].map((entry, index) => ({
      url: `https://media.example.com/${index}`,
      media_url: null,
      skip: null,
      ...entry,
    })),
  };
}

/** Looks and lists as above; a URL with `private` in it is refused. */
export function wellInformed(request: CallRequest): Json {
  if (!("url" in request)) return { ok: false, class: "node_fault", message: "not asked for in this test" };
  if (request.url.includes("private")) return { ok: false, class: "private", message: "Video is private" };
  if (request.url.includes("broken")) return { ok: false, class: "network", message: "" };
  return { ok: true, result: request.kind === "look" ? LOOK : expansion("The Show") };
}
