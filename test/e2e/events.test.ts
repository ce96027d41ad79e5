/** A job's event stream (jobs API 7): snapshot, progress, one end; and the way back after a broken connection. */
import { beforeAll, expect, test } from "vitest";
import { type Origin, startOrigin } from "../origin/server.ts";
import { type JobEvent, TERMINAL_EVENTS } from "./harness/api.ts";
import { atEnd } from "./harness/at-end.ts";
import { Stack } from "./harness/stack.ts";

let origin: Origin;
let stack: Stack;

beforeAll(async () => {
  origin = await startOrigin();
  atEnd(() => origin.close());
  stack = await Stack.start();
});

/** More than two seconds of download: enough for several progress events, of which there is at most one a second. */
const SLOW = "slow/900000/video-720.mp4";
const EVENT_KEYS = ["id", "type", "time", "job_id", "batch_id", "status", "step", "progress", "eta_seconds"];
const REST_OF_KEYS = ["speed_bytes_per_second", "error", "error_type"];

async function read(stream: AsyncIterable<JobEvent>, enough: (event: JobEvent) => boolean = () => false) {
  const events: JobEvent[] = [];
  for await (const event of stream) {
    events.push(event);
    if (enough(event)) break;
  }
  return events;
}

const idsOf = (events: readonly JobEvent[]) => events.map((event) => Number(event.id));
const ascending = (ids: readonly number[]) => [...new Set(ids)].sort((a, b) => a - b);
const terminal = (event: JobEvent) => TERMINAL_EVENTS.has(event.type);

test("a stream opens with the whole job, follows it upwards and closes with its end", async () => {
  const id = await stack.api.create({ url: `${origin.url}/${SLOW}` });
  const events = await read(stack.api.events(id));
  const [snapshot, ...rest] = events;
  expect(Object.keys(snapshot ?? {})).toEqual(["id", "type", "time", "job"]);
  expect(snapshot).toMatchObject({
    type: "snapshot",
    job: { id, status: expect.stringMatching(/Pending|Processing/) },
  });
  for (const event of rest) expect(Object.keys(event)).toEqual([...EVENT_KEYS, ...REST_OF_KEYS]);
  expect(idsOf(events)).toEqual(ascending(idsOf(events)));

  const moving = rest.filter((event) => event.type === "job.progress");
  expect(moving.length).toBeGreaterThanOrEqual(3);
  const progress = moving.map((event) => event.progress ?? 0);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(Math.max(...progress)).toBeGreaterThan(Math.min(...progress));
  expect(moving.every((event) => event.status === "Processing")).toBe(true);

  expect(rest.filter(terminal)).toHaveLength(1);
  expect(rest.at(-1)).toMatchObject({ type: "job.completed", status: "Completed", step: "Finished", progress: 100 });
});

test("a stream that is taken up again tells what was missed, once", async () => {
  const id = await stack.api.create({ url: `${origin.url}/${SLOW}` });
  const first = await read(stack.api.events(id), (event) => event.type === "job.progress");
  const broken = first.at(-1);
  const second = await read(stack.api.events(id, broken?.id));
  expect(second.some((event) => event.type === "snapshot")).toBe(false);
  expect(second.at(-1)?.type).toBe("job.completed");
  const all = [...idsOf(first), ...idsOf(second)];
  expect(all).toEqual(ascending(all));

  // After the end: the same events from the log, but of progress only what still means something.
  const again = await read(stack.api.events(id, first[0]?.id));
  expect(again.at(-1)).toEqual(second.at(-1));
  const log = await stack.api.history(id);
  expect(log.map((event) => event.type)).toEqual(["job.created", "job.started", "job.completed"]);
});

test("a stream of a job that is over tells its end at once, and 204 to those who know it", async () => {
  const id = await stack.api.create({ url: `${origin.url}/status/404/nothing.mp4` });
  await stack.api.finished(id);
  const events = await read(stack.api.events(id));
  expect(events.map((event) => event.type)).toEqual(["snapshot", "job.warning"]);
  expect(events[0]?.job).toMatchObject({ id, status: "Warning" });
  const last = events.at(-1)?.id ?? "";
  const past = String(Number(last) + 1);
  for (const known of [last, past]) {
    const byHeader = await stack.api.raw("GET", `/jobs/${id}/events`, { headers: { "last-event-id": known } });
    const byQuery = await stack.api.raw("GET", `/jobs/${id}/events?last_event_id=${known}`);
    expect([byHeader.status, byQuery.status]).toEqual([204, 204]);
  }
  const before = String(Number(last) - 1);
  expect((await read(stack.api.events(id, before))).map((event) => event.type)).toEqual(["job.warning"]);
});

test("a stream is answered with the headers that proxies need, and only to those who may read the job", async () => {
  const id = await stack.api.create({ url: `${origin.url}/status/404/nothing.mp4` });
  const response = await stack.api.raw("GET", `/jobs/${id}/events`);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("cache-control")).toBe("no-store");
  await response.body?.cancel();
  const stranger = await fetch(`${stack.url}/jobs/${id}/events`);
  expect([stranger.status, await stranger.json()]).toEqual([401, { error: "Missing x-api-key header" }]);
  const unknown = await stack.api.call("GET", "/jobs/01a2310c-0100-726b-b2a7-4de452e6b438/events");
  expect([unknown.status, unknown.body]).toEqual([404, { error: "Job not found" }]);
  await stack.api.finished(id);
});
