/** The whole way of one attempt with real tools: look, download, upload, complete, while the line to the edge fails. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mediaDeps } from "../../../worker-node/media/run-attempt.ts";
import { jobOptions } from "../../job-options.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { realTools } from "../media/tools.ts";
import { FakeBucket } from "../upload/fake-bucket.ts";
import type { FakeEdge, Fault } from "./fake-edge.ts";
import { startEdge, startNode, type TestNode } from "./harness.ts";

const PART = 64 * 1_024;
let origin: Origin;
let bucket: FakeBucket;

beforeEach(async () => {
  [origin, bucket] = await Promise.all([startOrigin(), FakeBucket.start()]);
});
afterEach(() => Promise.all([origin.close(), bucket.close()]));

async function delivering(): Promise<{ edge: FakeEdge; node: TestNode; job: string }> {
  const edge = await startEdge();
  edge.on("extracted", () => ({ decision: "go", tickets: [bucket.ticket(PART, 1, 2)] }));
  edge.on("ticket", ({ body }) => ({ ticket: bucket.ticket(PART, Number(body.from_part), 64, 1) }));
  const node = await startNode(edge, mediaDeps(await realTools()));
  const { job } = edge.offer({ url: `${origin.url}/video-360.mp4`, options: jobOptions() });
  return { edge, node, job };
}

const namesOf = (edge: FakeEdge, job: string): string[] =>
  edge.calls.filter((call) => call.path.includes(`/jobs/${job}/`)).map((call) => call.name);

interface Sent {
  token: string;
  manifest: { files: { size: number; sha256: string; parts: unknown[] }[] };
}

describe("a delivery", () => {
  it.each<[string, Fault[]]>([
    ["is answered", []],
    ["is lost on the way back", ["lost"]],
    ["meets an edge that is starting", [{ status: 503, error: "rebuilding" }]],
  ])("whose completion %s is uploaded once and reported until it is answered", async (_, faults) => {
    const { edge, node, job } = await delivering();
    edge.fail("complete", ...faults);
    await edge.nth("complete", faults.length + 1);
    await edge.until(() => node.node.busy === 0);
    const bodies = edge.named("complete").map((call) => call.body as unknown as Sent);
    expect(bodies).toEqual(Array(faults.length + 1).fill(bodies[0]));
    const [file] = bodies[0]?.manifest.files ?? [];
    expect(bucket.bytes()).toHaveLength(file?.size ?? -1);
    expect(bucket.puts).toHaveLength(file?.parts.length ?? -1);
    expect(namesOf(edge, job)).not.toContain("fail");
    expect(edge.named("step").map((call) => call.body.step)).toEqual(["download", "upload"]);
    expect(await node.folders()).toEqual([]);
  });

  it("of what yt-dlp made by a user's options asks for each file by its name, the media file first", async () => {
    const edge = await startEdge();
    edge.on("extracted", () => ({ decision: "go", tickets: [] }));
    edge.on("ticket", ({ body }) => ({
      ticket: { ...bucket.ticket(PART, Number(body.from_part), 64), kind: body.kind },
    }));
    await startNode(edge, mediaDeps(await realTools()));
    // Where passwords may stand: no lease tells it.
    const args = ["--write-info-json", "--write-thumbnail", "--extract-audio"];
    edge.on("confirm", () => ({ state: "running", args }));
    const library = { args: [], template: "%(id)s/%(title)s.%(ext)s", template_chapter: "%(section_title)s.%(ext)s" };
    edge.offer({ url: `${origin.url}/pages/poster-png`, options: jobOptions({ library }) });
    await edge.nth("complete");
    const stem = "poster-png-1/A poster in png (1)";
    expect(edge.named("ticket").map(({ body }) => [body.kind, body.name])).toEqual([
      ["media", `${stem}.m4a`],
      ["thumbnail", `${stem}.png`],
      ["info", `${stem}.info.json`],
    ]);
    expect(edge.named("complete")[0]?.body).toMatchObject({
      manifest: {
        files: [{ kind: "media" }, { kind: "thumbnail" }, { kind: "info" }],
        effective: { video_codec: null, audio_codec: "aac" },
      },
    });
    expect(edge.named("step").map((call) => call.body.step)).toEqual(["download", "mux", "upload"]);
  });

  it("that is somebody else's now (lease_lost on complete) ends without another word", async () => {
    const { edge, node, job } = await delivering();
    edge.fail("complete", { status: 409, error: "lease_lost" });
    await edge.nth("complete");
    await edge.until(() => node.node.busy === 0);
    expect(namesOf(edge, job).slice(-1)).toEqual(["complete"]);
    expect(await node.folders()).toEqual([]);
  });

  it("sends progress on the socket, never of a token that it does not hold", async () => {
    const { edge, job } = await delivering();
    await edge.nth("complete");
    const entries = edge.frames.flatMap((frame) => frame.jobs);
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) expect(entry).toMatchObject({ job, token: "1.1" });
  });

  it("publishes nothing while the edge is silent for more than a TTL, and goes on when it speaks", async () => {
    const { edge } = await delivering();
    edge.intervals = { ...edge.intervals, lease_ttl_ms: 50, heartbeat_ms: 10 };
    await edge.nth("extracted");
    // From here on heartbeats are refused for longer than the TTL: callDelay is capped by the heartbeat's interval.
    edge.fail("heartbeat", ...Array<Fault>(200).fill({ status: 503, error: "rebuilding" }));
    await edge.until(() => edge.named("step").some((call) => call.body.step === "upload"));
    const silentUntil = edge.named("heartbeat").length + 20;
    await edge.nth("heartbeat", silentUntil);
    expect(bucket.puts).toEqual([]);
    expect(edge.named("complete")).toEqual([]);
    await edge.nth("complete");
    expect(bucket.puts.length).toBeGreaterThan(0);
  });
});
