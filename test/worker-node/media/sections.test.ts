import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { MediaFailure } from "../../../worker-node/media/failure.ts";
import { chooseSegments, parsePlaylist, trimPlaylist } from "../../../worker-node/media/plan/segments.ts";
import { extractMedia, mediaDeps, produceMedia } from "../../../worker-node/media/run-attempt.ts";
import type { YtDlp } from "../../../worker-node/media/ytdlp/port.ts";
import { removeAttempt } from "../../../worker-node/process/leftovers.ts";
import type { Tools } from "../../../worker-node/tools.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { mediaRequest } from "./attempt.ts";
import { judge } from "./marked/judge.ts";
import { type Measured, measure } from "./marked/measure.ts";
import { realTools } from "./tools.ts";

const HLS = "long/hls/index.m3u8";
const AAC_PRIMING_SECONDS = 1024 / 48_000;

describe("a clip of a long source", () => {
  let origin: Origin;
  let proxy: EgressProxy;
  let tools: Tools;
  let whole: Measured;
  let dir: string;
  beforeAll(async () => {
    [origin, tools, proxy] = await Promise.all([startOrigin(), realTools(), startEgressProxy({ allowPrivate: true })]);
    const file = await measure(tools, `${origin.url}/long/video.mp4`);
    // In segments the sound begins with the samples that an MP4 hides: the encoder's own start.
    whole = { ...file, start: file.start - AAC_PRIMING_SECONDS };
  });
  afterAll(() => Promise.all([origin.close(), proxy.close()]));
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "trawl-section-"));
  });
  afterEach(() => removeAttempt(dir));

  /** The clip, and what was asked of the site for it after the look. */
  async function run(path: string, options: Partial<JobOptions>, ytdlp?: YtDlp) {
    const attempt = proxy.openAttempt(path);
    const guarded = { proxyUrl: attempt.proxyUrl, direct: attempt.direct };
    const request = mediaRequest(`${origin.url}/${path}`, dir, options, guarded);
    const deps = { ...mediaDeps(tools), ...(ytdlp === undefined ? {} : { ytdlp }) };
    const { signal } = new AbortController();
    const found = await extractMedia(request, deps, signal);
    if (found.kind === "list") throw new Error("a list");
    const before = { requests: origin.requests.length, bytes: attempt.bytes().received };
    const events = { onStep: () => {}, onProgress: () => {} };
    const made = await produceMedia(request, found.source, deps, events, signal);
    return {
      cut: { ...(await measure(tools, made.files[0]?.path ?? "")), effective: made.effective, slots: 0 },
      asked: origin.requests.slice(before.requests).map((one) => one.path.split("/").at(-1) ?? ""),
      bytes: attempt.bytes().received - before.bytes,
    };
  }

  const size = async (path: string) =>
    Number((await fetch(`${origin.url}/${path}`, { method: "HEAD" })).headers.get("content-length"));

  it("fetches of HLS only what it needs, through the guard, and finds the place by time stamps", async () => {
    const { cut, asked, bytes } = await run(HLS, {
      clip_start_seconds: 40.5,
      clip_end_seconds: 43.3,
    });
    expect(cut.effective).toMatchObject({ actual_clip_start: 40.5, actual_clip_end: 43.3 });
    judge(whole, cut, { start: 40.5, end: 43.3 });
    // The list says two seconds each, so that 40.5 s is thought to be in 020.ts.
    const segments = asked.filter((name) => name.endsWith(".ts")).sort();
    expect(segments).toEqual(["000.ts", "018.ts", "019.ts", "020.ts", "021.ts", "022.ts"]);
    // Six segments of 32 and a list: 191 kB, where the same in one MP4 is 759 kB, and in segments more.
    expect(bytes).toBeLessThan((await size("long/video.mp4")) / 3);
  });

  it("fetches of DASH only what it needs, of picture and sound alike", async () => {
    const { cut, asked, bytes } = await run("long/dash/manifest.mpd", {
      clip_start_seconds: 40.5,
      clip_end_seconds: 43.3,
    });
    judge(whole, cut, { start: 40.5, end: 43.3 });
    expect(asked.filter((name) => name.startsWith("chunk-stream0")).length).toBeLessThan(9);
    expect(asked.filter((name) => name.startsWith("chunk-stream1")).length).toBeLessThan(9);
    expect(bytes).toBeLessThan((await size("long/video.mp4")) / 4);
  });

  it("fetches of one MP4 its index and what it needs, through the guard", async () => {
    const { cut, bytes } = await run("padded/9000000/long/video.mp4", {
      clip_start_seconds: 40.5,
      clip_end_seconds: 43.3,
    });
    expect(cut.effective).toMatchObject({ actual_clip_start: 40.5, actual_clip_end: 43.3 });
    judge({ ...whole, start: whole.start + AAC_PRIMING_SECONDS }, cut, { start: 40.5, end: 43.3 });
    expect(bytes).toBeGreaterThan(100_000);
    expect(bytes).toBeLessThan(900_000);
  });

  it("fetches the whole when most of it is wanted", async () => {
    const { cut, asked } = await run(HLS, {
      clip_start_seconds: 4.5,
      audio_only: true,
      format: "m4a",
    });
    expect(asked.filter((name) => name.endsWith(".ts"))).toHaveLength(32);
    expect(cut.effective.actual_clip_start).toBeCloseTo(4.5, 1);
  });

  it("fetches the whole when the segments alone cannot be had", async () => {
    const { ytdlp } = mediaDeps(tools);
    const refusing: YtDlp = {
      ...ytdlp,
      download: async (request, context) => {
        if (request.patch?.hls_media_playlist_data !== undefined) throw new MediaFailure("network");
        return ytdlp.download(request, context);
      },
    };
    const { cut, asked } = await run(HLS, { clip_start_seconds: 40.5, clip_end_seconds: 43.3 }, refusing);
    judge(whole, cut, { start: 40.5, end: 43.3 });
    expect(asked.filter((name) => name.endsWith(".ts"))).toHaveLength(32);
  });
});

describe("chooseSegments", () => {
  const ten = Array.from({ length: 10 }, () => 6);
  it.each([
    ["in the middle", { start: 30, end: 33 }, { from: 3, to: 6 }],
    ["at the beginning", { start: 0, end: 5 }, { from: 0, to: 2 }],
    ["at the end", { start: 55, end: null }, { from: 7, to: 10 }],
    ["of nearly all", { start: 10, end: null }, null],
    ["behind the end", { start: 90, end: 95 }, null],
  ])("%s", (_title, clip, expected) => {
    expect(chooseSegments(ten, clip)).toEqual(expected);
  });
});

describe("trimPlaylist", () => {
  const text = [
    "#EXTM3U",
    "#EXT-X-TARGETDURATION:6",
    "#EXT-X-MEDIA-SEQUENCE:7",
    '#EXT-X-MAP:URI="init.mp4"',
    '#EXT-X-KEY:METHOD=AES-128,URI="key"',
    ...["a", "b", "c"].flatMap((name) => ["#EXTINF:6.0,", "#EXT-X-BYTERANGE:10@0", `${name}.ts`]),
    "#EXT-X-ENDLIST",
    "",
  ].join("\n");
  it("keeps keys, the initial part, and the numbers that a key may depend on", () => {
    const playlist = parsePlaylist(text);
    if (playlist === null) throw new Error("no playlist");
    expect(playlist.seconds).toEqual([6, 6, 6]);
    expect(trimPlaylist(playlist, { from: 1, to: 2 }).split("\n")).toEqual([
      "#EXTM3U",
      "#EXT-X-TARGETDURATION:6",
      "#EXT-X-MEDIA-SEQUENCE:8",
      '#EXT-X-MAP:URI="init.mp4"',
      '#EXT-X-KEY:METHOD=AES-128,URI="key"',
      "#EXTINF:6.0,",
      "#EXT-X-BYTERANGE:10@0",
      "b.ts",
      "#EXT-X-ENDLIST",
      "",
    ]);
  });
  it.each([
    ["is still growing", text.replace("#EXT-X-ENDLIST\n", "")],
    ["begins its times anew", text.replace("#EXTINF", "#EXT-X-DISCONTINUITY\n#EXTINF")],
    ["has byte ranges that go on from one another", text.replaceAll("@0", "")],
    ["is a page", "<html>"],
  ])("does not touch a list that %s", (_title, changed) => {
    expect(parsePlaylist(changed)).toBeNull();
  });
});
