/** One case of each kind, in a warm host; the matrix of presets and adapters is in `runs.long.test.ts`. */
import { open, readdir, readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { startEgressProxy } from "../../../../worker-node/egress/proxy.ts";
import { topBoxes } from "../../../../worker-node/media/ffmpeg/boxes.ts";
import { mediaDeps } from "../../../../worker-node/media/run-attempt.ts";
import { startWarmHost, type WarmYtDlp } from "../../../../worker-node/media/ytdlp/host/warm-host.ts";
import { realTools } from "../tools.ts";
import { LibraryBench, shapeOf } from "./runs.ts";

let warm: WarmYtDlp;
let bench: LibraryBench;
beforeAll(async () => {
  const tools = await realTools();
  const { ytdlp, jsRuntime } = tools;
  warm = await startWarmHost({ tool: { ...ytdlp, python: ytdlp.python ?? "" }, jsRuntime, log: () => {} });
  bench = await LibraryBench.open(mediaDeps(tools, warm));
});
afterAll(async () => {
  await bench.close();
  await warm.stop();
});
afterEach(() => bench.clear());

it("delivers what the options choose, looked at once, all of it through the guard", async () => {
  const before = bench.origin.requests.length;
  const made = await bench.run("pages/html5", {
    args: ["--format-sort", "vcodec:h264,acodec:aac", "--format", "bv*[height<=360]+ba/b[height<=360]"],
  });
  expect(made.names).toEqual(["media A plain player (1).mp4"]);
  expect(await shapeOf(made.files[0])).toEqual({ codecs: "h264 aac", seconds: 8 });
  expect(made.info).toMatchObject({ extractor: "html5mediaembed", height: 360, is_live: false });
  expect(made.effective).toMatchObject({ video_codec: "h264", audio_codec: "aac", duration_seconds: 8 });
  expect(made.told).toEqual(["download"]);
  expect(made.fractions.at(-1)).toBe(1);
  const asked = bench.origin.requests.slice(before).filter(({ path }) => path === "/pages/html5");
  // The extractor's own two requests of one look.
  expect(asked.length).toBeLessThanOrEqual(2);
  expect(made.guarded).toBeGreaterThan(made.files[0]?.size ?? 0);
});

it("lays what stands beside the media file into the folders of the template", async () => {
  const made = await bench.run("pages/captions", {
    args: [
      ...["--write-subs", "--sub-langs", "all", "--convert-subs", "srt", "--embed-subs"],
      ...[
        "--write-info-json",
        "--no-clean-info-json",
        "--write-thumbnail",
        "--convert-thumbnails",
        "jpg",
        "--write-description",
      ],
    ],
    template:
      "%(channel,uploader|Unknown)s/Season %(release_date>%Y,upload_date>%Y|Unknown)s/%(title)s [%(id)s].%(ext)s",
  });
  const stem = "Unknown/Season 2024/Words in other forms (1) [captions-1]";
  expect(made.names).toEqual([
    `media ${stem}.mp4`,
    `subtitle de ${stem}.de.srt`,
    `subtitle en-GB ${stem}.en-GB.srt`,
    `subtitle fr ${stem}.fr.srt`,
    `thumbnail ${stem}.jpg`,
    `info ${stem}.info.json`,
  ]);
  expect((await shapeOf(made.files[0])).codecs).toBe("h264 aac mov_text mov_text mov_text");
  const info = await readFile(made.files[5]?.path ?? "", "utf8");
  expect(JSON.parse(info)).toMatchObject({ id: "captions-1" });
  expect(info).not.toContain(made.dir);
});

it("keeps a title that is a way up inside the attempt's folder", async () => {
  const made = await bench.run("video-360.mp4", {
    template: "%(title&..|)s/%(title&..|)s/%(title&..|)s/%(title)s.%(ext)s",
  });
  expect(made.names).toEqual(["media video-360.mp4"]);
  const left = await readdir(made.dir);
  expect(left.sort()).toEqual(["file-0.mp4", "info.json", "out", "tmp"]);
});

it("answers a list with as many entries as the options want of it", async () => {
  const found = await bench.look("feed.xml", { args: ["--playlist-items", "2:", "--max-downloads", "1"] });
  const entries = [{ url: `${bench.origin.url}/episodes/2.mp3` }];
  expect(found).toMatchObject({ kind: "list", title: "The Beep Hour", truncated: true, entries });
});

it("fetches a section by ffmpeg through the guard, and puts its index first", async () => {
  const made = await bench.run("long/video.mp4", {
    args: ["--download-sections", "*10-12", "--force-keyframes-at-cuts"],
  });
  const { seconds } = await shapeOf(made.files[0]);
  expect(seconds).toBeCloseTo(2, 0);
  expect(made.told).toEqual(["download", "mux", "FFmpeg"]);
  const file = await open(made.files[0]?.path ?? "");
  const order = (await topBoxes(file)).map(({ type }) => type);
  await file.close();
  expect(order.indexOf("moov")).toBeLessThan(order.indexOf("mdat"));
  expect(made.guarded).toBeGreaterThan(made.files[0]?.size ?? 0);
});

it("says why a filter of the user's left nothing", async () => {
  const filtered = bench.run("video-360.mp4", { args: ["--match-filters", "title=b"] });
  await expect(filtered).rejects.toMatchObject({
    class: "unsupported",
    message: expect.stringContaining("does not pass filter"),
  });
});

it("ends at the account's limit a file that grows past it", async () => {
  const growing = bench.run("endless/video-360.mp4", { more: { maxFilesizeBytes: 2_000_000 } });
  await expect(growing).rejects.toMatchObject({ class: "too_large" });
});

it("ends when it is told to, with all that it started", async () => {
  const ending = new AbortController();
  const running = bench.run("hold/library/long/video.mp4", { signal: ending.signal });
  await bench.origin.waitForHeld("library", 2);
  ending.abort();
  await expect(running).rejects.toMatchObject({ class: "cancelled" });
});

it("goes the guard's way to the proxy that the options name, and no other", async () => {
  const other = await startEgressProxy({ allowPrivate: true });
  const theirs = other.openAttempt("theirs");
  const made = await bench.run("video-360.mp4", {
    args: ["--proxy", theirs.proxyUrl, "--geo-verification-proxy", "http://127.0.0.1:9", "--force-ipv6"],
  });
  const size = made.files[0]?.size ?? 0;
  expect(made.guarded).toBeGreaterThan(size);
  expect(theirs.bytes().received).toBeGreaterThan(size);
  await other.close();
});
