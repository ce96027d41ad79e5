/** `GET /jobs/{id}/events` (jobs API 7): snapshot, live events, the end, and going on after a cut. */
import { beforeAll, describe, expect, it } from "vitest";
import { TestNode } from "../fleet-node.ts";
import { type Account, call, newAccount, readStream, type Sent } from "../support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

function open(id: string, headers: Record<string, string> = {}, query = ""): Promise<Response> {
  return call(`/jobs/${id}/events${query}`, { headers: { "x-api-key": account.key, ...headers } });
}

async function cancelledJob(): Promise<string> {
  const id = await account.createJob();
  expect((await account.api("DELETE", `/jobs/${id}`)).status).toBe(200);
  return id;
}

function rising(events: Sent[]): boolean {
  return events.every((event, at) => at === 0 || Number(event.id) >= Number(events[at - 1]?.id));
}

const KEYS = [
  ...["id", "type", "time", "job_id", "batch_id", "status", "step", "progress"],
  ...["eta_seconds", "speed_bytes_per_second", "error", "error_type"],
];

describe("a stream of a job that is over", () => {
  it("is the snapshot, the terminal event, and its end", async () => {
    const id = await cancelledJob();
    const response = await open(id);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    const events = await readStream(response);
    expect(events.map((each) => each.event)).toEqual(["snapshot", "job.cancelled"]);
    const [snapshot, end] = events;
    expect(Object.keys(snapshot?.data ?? {})).toEqual(["id", "type", "time", "job"]);
    expect(snapshot?.data.job).toEqual((await account.api("GET", `/jobs/${id}`)).body);
    expect(Object.keys(end?.data ?? {})).toEqual(KEYS);
    expect(end?.data).toMatchObject({
      job_id: id,
      status: "Failed",
      step: "Cancelled",
      error: "Job cancelled by user",
    });
    expect(rising(events)).toBe(true);
    for (const each of events) expect(each.data).toMatchObject({ id: each.id, type: each.event });
  });

  it("asked for from its terminal event on is 204, which stops a browser from coming back", async () => {
    const id = await cancelledJob();
    const last = (await readStream(await open(id))).at(-1)?.id ?? "";
    for (const since of [last, String(Number(last) + 1)]) {
      expect((await open(id, { "last-event-id": since })).status).toBe(204);
      expect((await open(id, {}, `?last_event_id=${since}`)).status).toBe(204);
    }
  });

  it("asked for from before is what was missed, without a snapshot", async () => {
    const id = await cancelledJob();
    const since = "1";
    const events = await readStream(await open(id, { "last-event-id": since }));
    expect(events.map((each) => each.event)).toEqual(["job.created", "job.cancelled"]);
    const middle = await readStream(await open(id, { "last-event-id": events[0]?.id ?? "" }));
    expect(middle).toEqual([events[1]]);
  });

  it.each(["abc", "-1", "", "1.5", "99999999999999999999"])(
    "with an id that is none (%j) begins anew",
    async (since) => {
      const events = await readStream(await open(await cancelledJob(), { "last-event-id": since }));
      expect(events.map((each) => each.event)).toEqual(["snapshot", "job.cancelled"]);
    },
  );
});

describe("a stream of a job that lives", () => {
  it("begins with the snapshot, tells each change once, and closes after the end", async () => {
    const own = await newAccount();
    const id = await own.createJob();
    const response = await call(`/jobs/${id}/events`, { headers: { "x-api-key": own.key } });
    const events = readStream(response);
    const node = await TestNode.online(own);
    const job = await node.take();
    await node.deliver(job, "bytes");
    const seen = await events;
    expect(seen.map((each) => each.event)).toEqual(["snapshot", "job.started", "job.completed"]);
    expect(seen[0]?.data).toMatchObject({ job: { id, status: "Pending" } });
    expect(seen[1]?.data).toMatchObject({ status: "Processing", step: "Downloading", error: null });
    expect(seen[2]?.data).toMatchObject({ status: "Completed", step: "Finished", progress: 100 });
    expect(rising(seen)).toBe(true);
  });

  it("resumed with an id that was never given begins with a snapshot and still hears the end", async () => {
    const id = await account.createJob();
    const response = await open(id, { "last-event-id": "9007199254740991" });
    const events = readStream(response);
    await account.api("DELETE", `/jobs/${id}`);
    expect((await events).map((each) => each.event)).toEqual(["snapshot", "job.cancelled"]);
  });

  it("has the events of its own job only", async () => {
    const [id, other] = [await account.createJob(), await account.createJob()];
    const events = readStream(await open(id));
    await account.api("DELETE", `/jobs/${other}`);
    await account.api("DELETE", `/jobs/${id}`);
    expect((await events).map((each) => each.data.job_id ?? id)).toEqual([id, id]);
  });
});
