/** A live recording on the node: the slot it takes, what it tells the edge, how it ends. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LeasedJob, Slots } from "../../../shared/contract/fleet.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { MediaFailure } from "../../../worker-node/media/failure.ts";
import { mediaDeps } from "../../../worker-node/media/run-attempt.ts";
import { jobOptions } from "../../job-options.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { FAST, seer } from "../media/live/seer.ts";
import { realTools } from "../media/tools.ts";
import { FakeBucket } from "../upload/fake-bucket.ts";
import type { FakeEdge } from "./fake-edge.ts";
import { aList, endless, fakeYtDlp, startEdge, startNode, type TestNode } from "./harness.ts";

const PART = 1_024 * 1_024;
/** Stands still when it has all of its 60 seconds, and its end is awaited for longer than a test takes. */
const ENDLESS = { ...FAST, silenceMs: 600_000 };

let origin: Origin;
let bucket: FakeBucket;
let streams = 0;
beforeEach(async () => {
  [origin, bucket] = await Promise.all([startOrigin(), FakeBucket.start()]);
});
afterEach(() => Promise.all([origin.close(), bucket.close()]));

/** Two slots for downloads and four for recordings, as everywhere in these tests. */
async function recorder(live: Partial<typeof FAST> = ENDLESS): Promise<{ edge: FakeEdge; node: TestNode }> {
  const edge = await startEdge();
  edge.on("extracted", () => ({ decision: "go", tickets: [bucket.ticket(PART, 1, 2)] }));
  edge.on("ticket", ({ body }) => ({ ticket: bucket.ticket(PART, Number(body.from_part), 64, 1) }));
  const tools = mediaDeps(await realTools(), undefined, { allowPrivate: true });
  return { edge, node: await startNode(edge, { ...tools, ytdlp: seer(), live: { ...FAST, ...live } }) };
}

interface Stream extends LeasedJob {
  /** Path of its playlist. */
  path: string;
}

function offerStream(edge: FakeEdge, options: Partial<JobOptions> = {}, changes: Partial<LeasedJob> = {}): Stream {
  const path = `/live/99/n${++streams}/index.m3u8`;
  return { ...edge.offer({ url: origin.url + path, options: jobOptions(options), ...changes }), path };
}

const namesOf = (edge: FakeEdge, job: string): string[] =>
  edge.calls.filter((call) => call.path.includes(`/jobs/${job}/`)).map((call) => call.name);
const slotsNow = (edge: FakeEdge) => edge.named("heartbeat").at(-1)?.body.slots as Slots | undefined;
const untilSlots = (edge: FakeEdge, download: number, live: number) =>
  edge.until(() => slotsNow(edge)?.download === download && slotsNow(edge)?.live === live);

describe("the slot of a recording", () => {
  it("is a live one as soon as the look has told, and the download's is free again", async () => {
    const { edge } = await recorder();
    const { path } = offerStream(edge);
    await origin.waitForRequest(path, 2);
    await untilSlots(edge, 2, 3);
    const asked = edge.named("lease").length;
    await edge.nth("lease", asked + 1);
    expect(edge.named("lease").at(-1)?.body.slots).toEqual({ download: 2, live: 3 });
  });

  it("is a live one from the lease on where the edge says so", async () => {
    const edge = await startEdge();
    await startNode(edge, { ytdlp: fakeYtDlp(endless) });
    edge.offer({ slot: "live" });
    await untilSlots(edge, 2, 3);
  });

  it("stays what it was for a job that is not live after all", async () => {
    const edge = await startEdge();
    const node = await startNode(edge, { ytdlp: fakeYtDlp(aList) });
    edge.offer({ slot: "live" });
    await edge.nth("extracted");
    await edge.until(() => node.node.busy === 0);
    await untilSlots(edge, 2, 4);
  });

  it("must be free: with all of them taken the job is given back, and nothing of it is recorded", async () => {
    const { edge, node } = await recorder();
    const running = [1, 2, 3, 4].map(() => offerStream(edge, {}, { slot: "live" }));
    for (const { path } of running) await origin.waitForRequest(path);
    const surplus = offerStream(edge);
    await edge.nth("release");
    expect(namesOf(edge, surplus.job)).toEqual(["confirm", "extracted", "release"]);
    expect(origin.requests.filter((request) => request.path === surplus.path)).toEqual([]);
    await edge.until(() => node.node.busy === 4);
    expect(await node.folders()).toHaveLength(4);
  });
});

describe("a recording", () => {
  it("tells no progress without a known end, and counts to max_duration where there is one", async () => {
    const { edge } = await recorder();
    const [open, capped] = [offerStream(edge), offerStream(edge, { max_duration: 1_000 })];
    const of = (job: string) => edge.frames.flatMap((frame) => frame.jobs).filter((entry) => entry.job === job);
    const told = (job: string) => of(job).filter((entry) => (entry.speed_bytes_per_second ?? 0) > 0);
    await edge.until(() => told(open.job).length > 0 && told(capped.job).length > 0);
    for (const entry of of(open.job))
      expect(entry).toMatchObject({ step: "download", fraction: null, eta_seconds: null });
    const last = told(capped.job).at(-1);
    expect(last?.fraction).toBeGreaterThan(0);
    expect(last?.eta_seconds).toBe(Math.round(1_000 - (last?.fraction ?? 0) * 1_000));
    expect(edge.named("step").map((call) => call.body.step)).toEqual(["download", "download"]);
  });

  it("has the deadline that the edge gives once it knows, not the lease's", async () => {
    const { edge, node } = await recorder();
    edge.on("extracted", () => ({ decision: "go", tickets: [], deadline_ms: 600_000 }));
    const { path } = offerStream(edge, {}, { deadline_ms: 700 });
    await origin.waitForRequest(path);
    const began = performance.now();
    await edge.until(() => performance.now() - began > 800);
    expect(edge.named("fail")).toEqual([]);
    expect(node.node.busy).toBe(1);
  });

  it("that is told to end is delivered as it is", async () => {
    const { edge, node } = await recorder();
    const { job, path } = offerStream(edge, { live_from_start: true });
    await origin.waitForRequest(path, 4);
    node.node.endRecordings();
    const { body } = await edge.nth("complete");
    expect(namesOf(edge, job)).toEqual(["confirm", "extracted", "step", "step", "step", "complete"]);
    expect(body).toMatchObject({ manifest: { telemetry: { download_strategy: "live" } } });
    const { effective } = body.manifest as { effective: { duration_seconds: number } };
    expect(effective.duration_seconds).toBeGreaterThanOrEqual(5);
    await edge.until(() => node.node.busy === 0);
    expect(await node.folders()).toEqual([]);
  });

  it("that is killed publishes nothing and leaves nothing", async () => {
    const { edge, node } = await recorder();
    await edge.socketsOpened(1);
    const { job, token, path } = offerStream(edge);
    await origin.waitForRequest(path, 3);
    edge.send({ type: "kill", attempts: [{ job, token }] });
    await edge.until(() => node.node.busy === 0);
    expect(namesOf(edge, job)).toEqual(["confirm", "extracted", "step"]);
    expect(bucket.puts).toEqual([]);
    expect(await node.folders()).toEqual([]);
  });

  it("goes on while downloads are given back", async () => {
    const { edge, node } = await recorder();
    const stream = offerStream(edge);
    await origin.waitForRequest(stream.path, 2);
    await untilSlots(edge, 2, 3);
    await node.node.giveBackDownloads();
    expect(node.node.busy).toBe(1);
    expect(edge.named("release")).toEqual([]);
  });
});

it.each([
  ["tells when the site says that it begins", 90.4, 90],
  ["says nothing where the site does not", null, undefined],
])("a stream that has not begun %s", async (_, startsInSeconds, told) => {
  const edge = await startEdge();
  await startNode(edge, {
    ytdlp: fakeYtDlp(() => Promise.reject(MediaFailure.notBegun(startsInSeconds))),
  });
  edge.offer();
  const { body } = await edge.nth("fail");
  expect(body).toMatchObject({ class: "not_begun", message: "The stream has not started" });
  expect(body.starts_in_seconds).toBe(told);
});
