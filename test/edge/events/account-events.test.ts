import { expect, test } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { type Account, call, type Json, newAccount } from "../support.ts";

/** Reads messages of a socket one by one; waits for those that have not come yet. */
class Reader {
  readonly #socket: WebSocket;
  readonly #got: Json[] = [];
  #wake: () => void = () => {};
  closeCode: number | null = null;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", (message) => {
      const text = String(message.data);
      this.#got.push(text.startsWith("{") ? (JSON.parse(text) as Json) : { text });
      this.#wake();
    });
    socket.addEventListener("close", (event) => {
      this.closeCode = event.code;
      this.#wake();
    });
    socket.accept();
  }

  async until(matches: (message: Json) => boolean): Promise<Json[]> {
    while (!this.#got.some(matches) && this.closeCode === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#got;
  }

  async closed(): Promise<number | null> {
    await this.until(() => false);
    return this.closeCode;
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  close(): void {
    this.#socket.close();
  }
}

async function openSocket(headers: Record<string, string>, query = ""): Promise<Reader> {
  const response = await call(`/events/ws${query}`, { headers: { upgrade: "websocket", ...headers } });
  expect(response.status).toBe(101);
  if (response.webSocket === null) throw new Error("no socket");
  return new Reader(response.webSocket);
}

async function cancelOne(account: Account): Promise<string> {
  const id = await account.createJob();
  await account.api("DELETE", `/jobs/${id}`);
  return id;
}

test("the WebSocket carries the account's events as JSON objects and answers `ping` with `pong`", async () => {
  const account = await newAccount();
  const reader = await openSocket({ "x-api-key": account.key });
  reader.send("ping");
  await reader.until((message) => message.text === "pong");
  const id = await cancelOne(account);
  const messages = await reader.until((message) => message.type === "job.cancelled");
  expect(messages.map((message) => message.type ?? message.text)).toEqual(["pong", "job.created", "job.cancelled"]);
  expect(messages.at(-1)).toEqual({
    id: expect.stringMatching(/^\d+$/),
    type: "job.cancelled",
    time: expect.any(Number),
    job_id: id,
    batch_id: null,
    status: "Failed",
    step: "Cancelled",
    progress: 0,
    eta_seconds: null,
    speed_bytes_per_second: null,
    error: "Job cancelled by user",
    error_type: "error",
  });
  reader.close();
});

test("a socket may sign in by its first message", async () => {
  const account = await newAccount();
  const reader = await openSocket({});
  reader.send(JSON.stringify({ type: "auth", api_key: account.key }));
  // The sign-in is over when events arrive; until then they would be missed, so one is made again and again.
  const id = await cancelOne(account);
  reader.send("ping");
  await reader.until((message) => message.text === "pong" || message.job_id === id);
  await cancelOne(account);
  await reader.until((message) => message.type === "job.cancelled");
  reader.close();
});

test.each([
  ["a wrong key", JSON.stringify({ type: "auth", api_key: "sk_wrong" })],
  ["something else", "hello"],
])("a socket that signs in with %s is closed with 4401", async (_, text) => {
  const reader = await openSocket({});
  reader.send(text);
  expect(await reader.closed()).toBe(4401);
});

test("Last-Event-ID gives what was missed, in order, and nothing twice", async () => {
  const account = await newAccount();
  const first = await openSocket({ "x-api-key": account.key });
  const before = await cancelOne(account);
  const seen = await first.until((message) => message.type === "job.cancelled" && message.job_id === before);
  first.close();
  const missed = await cancelOne(account);
  const last = String(seen.at(-1)?.id);
  const second = await openSocket({ "x-api-key": account.key }, `?last_event_id=${last}`);
  const messages = await second.until((message) => message.type === "job.cancelled");
  expect(messages.map((message) => [message.type, message.job_id])).toEqual([
    ["job.created", missed],
    ["job.cancelled", missed],
  ]);
  second.close();
});

test("one account's socket never sees another's events", async () => {
  const account = await newAccount();
  const stranger = await newAccount();
  const reader = await openSocket({ "x-api-key": stranger.key });
  await cancelOne(account);
  const own = await cancelOne(stranger);
  const messages = await reader.until((message) => message.type === "job.cancelled");
  expect(new Set(messages.map((message) => message.job_id))).toEqual(new Set([own]));
  reader.close();
});

test("a batch's stream opens with a snapshot and ends with `batch.completed`, after its jobs' ends", async () => {
  const account = await newAccount();
  const made = await account.api<{ batch_id: string; job_ids: string[] }>("POST", "/jobs/bulk", {
    jobs: [{ url: "https://media.example.com/a" }, { url: "https://media.example.com/b" }],
  });
  const batch = made.body.batch_id;
  const response = await call(`/batch/${batch}/events`, { headers: { "x-api-key": account.key } });
  const node = await TestNode.online(account);
  for (const job of await node.lease()) {
    await node.job(job, "confirm");
    const failure = { class: "removed", message: "", retry_after_seconds: null, permanent: false };
    await node.job(job, "fail", failure);
  }
  const types = [...(await response.text()).matchAll(/^event: (.+)$/gm)].map(([, type]) => type);
  expect(types[0]).toBe("snapshot");
  expect(types.at(-1)).toBe("batch.completed");
  expect(types.filter((type) => type === "job.warning")).toHaveLength(2);
});

test("an id at the end of a batch's stream is answered 204", async () => {
  const account = await newAccount();
  const made = await account.api<{ batch_id: string }>("POST", "/jobs/bulk", {
    jobs: [{ url: "https://media.example.com/a" }],
  });
  await account.api("DELETE", `/batch/${made.body.batch_id}`);
  const path = `/batch/${made.body.batch_id}/events`;
  const stream = await (await call(path, { headers: { "x-api-key": account.key } })).text();
  const last = [...stream.matchAll(/^id: (\d+)$/gm)].at(-1)?.[1] ?? "";
  const again = await call(path, { headers: { "x-api-key": account.key, "last-event-id": last } });
  expect(again.status).toBe(204);
});
