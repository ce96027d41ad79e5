/** What all streams promise (jobs API 7): order, pace, resume, bounded memory, an end when they may not be read any more. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { EventStream } from "../../../edge/events/event-stream.ts";
import type { PublicEvent } from "../../../edge/partition/resume.ts";
import { PARTITION, TestNode } from "../fleet-node.ts";
import { type Account, admin, call, type Json, newAccount, newKey, readStream } from "../support.ts";

/** For what happens beside an answer. */
const SLOW_MACHINE_MS = 15_000;

afterEach(() => {
  vi.useRealTimers();
});

const URL = "https://media.example.com/v1";

function open(account: Account, path: string, init: RequestInit = {}): Promise<Response> {
  return call(path, { ...init, headers: { "x-api-key": account.key, ...init.headers } });
}

/** How many streams of the account are open, by its stream object. */
function openStreams(account: Account): Promise<number> {
  return runInDurableObject<EventStream, number>(
    env.EVENT_STREAM.getByName(account.id),
    (_, state) => state.getWebSockets().length,
  );
}

async function bulk(account: Account, count: number): Promise<{ batch: string; jobs: string[] }> {
  const jobs = Array.from({ length: count }, () => ({ url: URL }));
  const made = await account.api<{ batch_id: string; job_ids: string[] }>("POST", "/jobs/bulk", { jobs });
  return { batch: made.body.batch_id, jobs: made.body.job_ids };
}

/** Reads a stream as it comes, for as long as the predicate asks for more. */
async function readUntil(response: Response, enough: (text: string) => boolean): Promise<string> {
  let text = "";
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (enough(text)) break;
  }
  return text;
}

/** Of the events that have come whole. */
function dataOf(received: string): Json[] {
  const text = received.slice(0, received.lastIndexOf("\n\n") + 2);
  return [...text.matchAll(/^data: (.*)$/gm)].map((match) => JSON.parse(match[1] ?? "null") as Json);
}

const ROUTES = ["/jobs/{job}/events", "/batch/{batch}/events", "/events"];

describe.each(ROUTES)("GET %s", (route) => {
  const pathOf = ({ batch, jobs }: { batch: string; jobs: string[] }) =>
    route.replace("{batch}", batch).replace("{job}", jobs[0] ?? "");

  it("answers HEAD with the headers of the stream, and opens none", async () => {
    const account = await newAccount();
    const response = await open(account, pathOf(await bulk(account, 1)), { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(await openStreams(account)).toBe(0);
  });

  it("lets go of its place when the client goes", async () => {
    const account = await newAccount();
    const made = await bulk(account, 1);
    const response = await open(account, pathOf(made));
    expect(await openStreams(account)).toBe(1);
    await response.body?.cancel();
    // What is written next finds nobody.
    await account.api("DELETE", `/jobs/${made.jobs[0]}`);
    await vi.waitFor(async () => expect(await openStreams(account)).toBe(0), SLOW_MACHINE_MS);
  });

  it("is cut off when the client leaves more than 512 KiB unread, after what it was sent; others go on", async () => {
    const account = await newAccount();
    const made = await bulk(account, 2);
    const slow = await open(account, pathOf(made));
    const quick = await open(account, "/events");
    const { promise: allSeen, resolve } = Promise.withResolvers<void>();
    let seen: Json[] = [];
    const reading = readUntil(quick, (text) => {
      seen = dataOf(text).filter((each) => each.type === "job.progress");
      if (seen.length === 12) resolve();
      return text.includes('"job.cancelled"');
    });
    const stream = env.EVENT_STREAM.getByName(account.id);
    const publish = (each: Json) => stream.publish([each as unknown as PublicEvent]);
    const error = "x".repeat(100_000);
    const event = { type: "job.progress", job_id: made.jobs[0], batch_id: made.batch, error };
    const newest = Date.now() * 1000 + 60_000_000;
    for (let n = 0; n < 12; n++) {
      await publish({ ...event, id: String(newest + n) });
      // Each is read before the next is sent, by the quick one.
      await vi.waitFor(() => expect(seen).toHaveLength(n + 1), SLOW_MACHINE_MS);
    }
    await allSeen;
    await vi.waitFor(async () => expect(await openStreams(account)).toBe(1), SLOW_MACHINE_MS);
    const kept = dataOf(await slow.text()).filter((each) => each.type === "job.progress");
    // Whole, in order, and bounded: what was under way to the client when it stopped reading comes on top.
    expect(kept.map((each) => Number(each.id) - newest)).toEqual(kept.map((_, index) => index));
    expect(kept.length).toBeGreaterThan(4);
    expect(kept.length).toBeLessThan(9);
    await publish({ ...event, id: String(newest + 99), type: "job.cancelled", error: null });
    expect(await reading).toContain('"job.cancelled"');
  });

  it("ends when its key is revoked, and no new one opens", async () => {
    const account = await newAccount();
    const { id, key } = await newKey(account.id);
    const made = await bulk(account, 1);
    const response = await call(pathOf(made), { headers: { "x-api-key": key } });
    const ended = response.text();
    await admin("DELETE", `/admin/keys/${id}`);
    expect(await ended).not.toContain("job.cancelled");
    expect((await call(pathOf(made), { headers: { "x-api-key": key } })).status).toBe(401);
  });

  it("ends when its key expires, and not before", async () => {
    const account = await newAccount();
    const made = await bulk(account, 1);
    // The clock stands still until the stream is open, however long that takes.
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    const { key } = await newKey(account.id, { expires_at: now + 50 });
    const response = await call(pathOf(made), { headers: { "x-api-key": key } });
    const ended = response.text();
    expect(await openStreams(account)).toBe(1);
    vi.setSystemTime(now + 50);
    expect(await ended).not.toContain("job.cancelled");
    expect((await call(pathOf(made), { headers: { "x-api-key": key } })).status).toBe(401);
  });

  it("goes on from `Last-Event-ID` after the partition was evicted, with nothing twice and nothing left out", async () => {
    const account = await newAccount();
    const made = await bulk(account, 2);
    const first = await open(account, `${pathOf(made)}?last_event_id=1`);
    const before = dataOf(await readUntil(first, (text) => text.includes("job.created")));
    await evictDurableObject(env.PARTITION.getByName(PARTITION));
    await account.api("DELETE", `/batch/${made.batch}`);
    const last = String(before.at(-1)?.id);
    const again = await open(account, pathOf(made), { headers: { "last-event-id": last } });
    const after = dataOf(
      await readUntil(again, (text) => (route === "/events" ? text.includes("batch.completed") : false)),
    );
    const ids = [...before, ...after].map((each) => Number(each.id));
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
    const types = [...before, ...after].map((each) => String(each.type));
    const jobs = route.startsWith("/jobs") ? 1 : 2;
    expect(types.filter((type) => type === "job.created")).toHaveLength(jobs);
    expect(types.filter((type) => type === "job.cancelled")).toHaveLength(jobs);
    expect(types.filter((type) => type === "batch.completed")).toHaveLength(route.startsWith("/jobs") ? 0 : 1);
  });
});

describe("order", () => {
  it("ids rise in a batch's stream that is over: the snapshot has the id of its end", async () => {
    const account = await newAccount();
    const { batch } = await bulk(account, 1);
    await account.api("DELETE", `/batch/${batch}`);
    const events = await readStream(await open(account, `/batch/${batch}/events`));
    expect(events.map((each) => each.event)).toEqual(["snapshot", "batch.completed"]);
    expect(events[0]?.id).toBe(events[1]?.id);
    const again = await open(account, `/batch/${batch}/events`, { headers: { "last-event-id": events[0]?.id ?? "" } });
    expect(again.status).toBe(204);
  });

  it("no event is lost to progress that came before it: many jobs at once, all their ends are told", async () => {
    const account = await newAccount();
    const response = await open(account, "/events");
    const { jobs } = await bulk(account, 12);
    const node = await TestNode.online(account);
    const headers = { upgrade: "websocket", authorization: `Bearer ${node.session?.session_key}` };
    const { webSocket } = await call(`/fleet/v1/partitions/${encodeURIComponent(PARTITION)}/socket`, { headers });
    webSocket?.accept();
    const reading = readUntil(response, (text) => [...text.matchAll(/event: job\.warning/g)].length >= jobs.length);
    const failure = { class: "private", message: "", retry_after_seconds: null, permanent: false };
    for (let leased = await node.lease(); leased.length > 0; leased = await node.lease()) {
      // Every job tells of its progress while the others begin and end.
      await Promise.all(
        leased.map(async (job) => {
          await node.job(job, "confirm");
          const entry = { job: job.job, token: job.token, step: "download", fraction: 0.5 };
          const progress = [{ ...entry, eta_seconds: null, speed_bytes_per_second: null }];
          webSocket?.send(JSON.stringify({ type: "progress", jobs: progress }));
          await node.job(job, "fail", failure);
        }),
      );
    }
    const events = dataOf(await reading);
    webSocket?.close();
    for (const type of ["job.created", "job.started", "job.warning"]) {
      const told = events.filter((each) => each.type === type).map((each) => each.job_id);
      expect(told.toSorted(), type).toEqual(jobs.toSorted());
    }
    const ids = events.map((each) => Number(each.id));
    expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => a - b));
  });
});

it("many readers of one account hear each event once and in order, gathered or not", async () => {
  const account = await newAccount();
  const responses = await Promise.all(Array.from({ length: 30 }, () => open(account, "/events")));
  const readings = responses.map((response) =>
    readUntil(response, (text) => dataOf(text).some((each) => each.type === "batch.completed")),
  );
  const { batch } = await bulk(account, 5);
  await account.api("DELETE", `/batch/${batch}`);
  const first = dataOf((await readings[0]) ?? "");
  expect(first.map((each) => each.type).toSorted()).toEqual([
    "batch.completed",
    "batch.created",
    ...Array.from({ length: 5 }, () => "job.cancelled"),
    ...Array.from({ length: 5 }, () => "job.created"),
  ]);
  for (const reading of readings) expect(dataOf(await reading)).toEqual(first);
});

describe("pace: `progress at most once a second per job or batch`", () => {
  it("of a burst of frames and steps the first is told, and later ones a second after it", async () => {
    const account = await newAccount();
    const id = await account.createJob();
    const node = await TestNode.online(account);
    const job = await node.take();
    const response = await open(account, `/jobs/${id}/events`);
    const headers = { upgrade: "websocket", authorization: `Bearer ${node.session?.session_key}` };
    const { webSocket } = await call(`/fleet/v1/partitions/${encodeURIComponent(PARTITION)}/socket`, { headers });
    webSocket?.accept();
    const began = Date.now();
    for (const [step, fraction] of [
      ["download", 0.1],
      ["download", 0.9],
      ["mux", 0.5],
      ["upload", 0.5],
    ] as const) {
      const entry = { job: id, token: job.token, step, fraction, eta_seconds: null, speed_bytes_per_second: null };
      webSocket?.send(JSON.stringify({ type: "progress", jobs: [entry] }));
    }
    // The last frame of the burst is the state that a read shows; then the job is ended.
    await vi.waitFor(async () => {
      expect((await account.api("GET", `/jobs/${id}`)).body).toMatchObject({ step: "Uploading" });
    }, SLOW_MACHINE_MS);
    await account.api("DELETE", `/jobs/${id}?force=true`);
    const progress = (await readStream(response)).filter((each) => each.event === "job.progress");
    webSocket?.close();
    expect(progress.length).toBeGreaterThanOrEqual(1);
    expect(progress.length).toBeLessThanOrEqual(1 + Math.ceil((Date.now() - began) / 1_000));
    expect(progress[0]?.data).toMatchObject({ step: "Downloading" });
  });
});
