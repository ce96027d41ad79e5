/** What the tests of the downloads API share: a task by its id, a node that answers calls, deliveries with a thumbnail. */
import { expect, vi } from "vitest";
import type { CallAnswer, CallRequest } from "../../../shared/contract/calls.ts";
import { DownloadTask } from "../../../shared/contract/downloads.ts";
import type { LeasedJob, ProgressEntry } from "../../../shared/contract/fleet.ts";
import { extractedInfo, manifestOf, PARTITION_PATH, TestNode } from "../fleet-node.ts";
import { type Account, type Answer, call, type Json } from "../support.ts";

export const URL_1 = "https://media.example.com/v1";
export const UNKNOWN_ID = "01a2310c-0100-726b-b2a7-4de452e6b438";

/** The body and status of a refusal: `detail` and nothing else. */
export function detail(answer: Answer): [status: number, body: Json] {
  return [answer.status, answer.body];
}

export async function newDownload(account: Account, body: Json = {}): Promise<string> {
  const answer = await account.api<{ id: string }>("POST", "/api/download", { url: URL_1, ...body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.id;
}

export async function readTask(account: Account, id: string): Promise<DownloadTask> {
  const answer = await account.api("GET", `/api/downloads/${id}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return DownloadTask.strict().parse(answer.body);
}

export async function listTasks(account: Account, query = ""): Promise<DownloadTask[]> {
  const answer = await account.api<Json[]>("GET", `/api/downloads${query}`);
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
  return answer.body.map((task) => DownloadTask.strict().parse(task));
}

export async function untilStatus(account: Account, id: string, status: string): Promise<DownloadTask> {
  return vi.waitFor(async () => {
    const task = await readTask(account, id);
    expect(task.status).toBe(status);
    return task;
  });
}

/** A download with these bytes as its file, and a thumbnail if some are given for it. */
export async function completed(
  account: Account,
  bytes: string,
  options: { info?: Json; body?: Json; thumbnail?: string } = {},
): Promise<DownloadTask> {
  const id = await newDownload(account, options.body);
  const node = await TestNode.online(account);
  const job = await node.take();
  if (options.thumbnail === undefined) await node.deliver(job, bytes, options.info);
  else await deliverTwo(node, job, bytes, options.thumbnail);
  return untilStatus(account, id, "completed");
}

async function deliverTwo(node: TestNode, job: LeasedJob, media: string, thumbnail: string) {
  await node.job(job, "extracted", { result: { kind: "single", info: extractedInfo() } });
  const manifests = [await put(node, job, "media", media), await put(node, job, "thumbnail", thumbnail)];
  const files = manifests.flatMap((manifest) => manifest.files as Json[]);
  const done = await node.job(job, "complete", { manifest: { ...manifests[0], files } });
  expect(done.status, JSON.stringify(done.body)).toBe(200);
}

async function put(node: TestNode, job: LeasedJob, kind: string, body: string) {
  const wanted = { kind, language: null, size: body.length, upload_id: null, from_part: 1 };
  const answer = await node.job(job, "ticket", wanted);
  const { ticket } = answer.body as { ticket: { upload_id: string; urls: { url: string }[] } };
  const url = new URL(ticket.urls[0]?.url ?? "");
  const stored = await call(url.pathname + url.search, { method: "PUT", body });
  const etag = stored.headers.get("etag") ?? "";
  const manifest = await manifestOf(ticket.upload_id, body, etag);
  return { ...manifest, files: (manifest.files as Json[]).map((file) => ({ ...file, kind })) };
}

/** A node on its socket: it answers interactive calls, and sends progress. */
export class OnlineNode {
  readonly node: TestNode;
  readonly asked: CallRequest[] = [];
  readonly #socket: WebSocket;

  private constructor(node: TestNode, socket: WebSocket) {
    this.node = node;
    this.#socket = socket;
  }

  /** @param answer null: the node's connection breaks instead. */
  static async start(account: Account, answer: (request: CallRequest) => CallAnswer | null): Promise<OnlineNode> {
    const node = await TestNode.online(account);
    await node.heartbeat();
    const headers = { upgrade: "websocket", authorization: `Bearer ${node.session?.session_key}` };
    const response = await call(`${PARTITION_PATH}/socket`, { headers });
    const socket = response.webSocket;
    if (socket === null) throw new Error(`no socket: ${response.status}`);
    const online = new OnlineNode(node, socket);
    socket.addEventListener("message", (event) => {
      const frame = JSON.parse(String(event.data)) as { type: string; call: string; request: CallRequest };
      if (frame.type !== "call") return;
      online.asked.push(frame.request);
      const body = answer(frame.request);
      if (body === null) socket.close(1000);
      else void node.call(`calls/${frame.call}/answer`, body);
    });
    socket.accept();
    return online;
  }

  progress(entry: ProgressEntry): void {
    this.#socket.send(JSON.stringify({ type: "progress", jobs: [entry] }));
  }

  stop(): void {
    this.#socket.close(1000);
  }
}

/** A list as a node finds it. */
export function listOf(count: number): CallAnswer {
  const entries = Array.from({ length: count }, (_, index) => ({
    url: `https://media.example.com/item-${index + 1}`,
    title: `Item ${index + 1}`,
    description: null,
    release_date: null,
    media_url: null,
    skip: null,
  }));
  return { ok: true, result: { kind: "expand", title: "The list", entries, truncated: false } };
}
