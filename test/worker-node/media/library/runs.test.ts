/** One case of each kind, in a warm host; the matrix of presets and adapters is in `runs.long.test.ts`. */
import { existsSync } from "node:fs";
import { open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
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

it("joins picture and sound under one bar, and names the work that yt-dlp is at", async () => {
  const made = await bench.run("tiny/dash/manifest.mpd", { args: ["--embed-metadata", "--remux-video", "mkv"] });
  expect(made.names).toEqual(["media manifest.mkv"]);
  expect(made.told).toEqual(["download", "mux", "Merger", "VideoRemuxer", "Metadata"]);
  expect(made.fractions).toEqual(made.fractions.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
});

it("lays what stands beside the media file into the folders of the template", async () => {
  const made = await bench.run("pages/captions", {
    args: [
      ...["--write-subs", "--sub-langs", "all", "--convert-subs", "srt", "--embed-subs"],
      ...["--write-info-json", "--write-thumbnail", "--convert-thumbnails", "jpg", "--write-description"],
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

it("delivers the chapters of a split file beside the whole", async () => {
  const made = await bench.run("pages/chapters", { args: ["--split-chapters"] });
  const title = "A title = with; signs # and ⧹ more";
  expect(made.names).toEqual([
    `media ${title}.mp4`,
    `other ${title} - 1 Before = noon; #1.mp4`,
    `other ${title} - 2 After ⧹ noon.mp4`,
  ]);
});

it.each([
  ["/etc/../../%(title.0:0|..)s/~root/$HOME/%(title)s.%(ext)s", "~root/＄HOME/video-360.mp4"],
  ["%(title&..|)s/%(title&..|)s/%(title&..|)s/%(title)s.%(ext)s", "video-360.mp4"],
  ["../..", "video-360.mp4"],
])("keeps the template %s inside the attempt's folder", async (template, name) => {
  const made = await bench.run("video-360.mp4", { template });
  expect(made.names).toEqual([`media ${name}`]);
  const left = await readdir(made.dir);
  expect(left.filter((one) => !/^(?:file-|out$|tmp$|info\.json$)/.test(one))).toEqual([]);
});

it("cuts a name that a file system would not take", async () => {
  const made = await bench.run("video-360.mp4", {
    args: ["--replace-in-metadata", "title", "^.*$", "ü".repeat(300)],
  });
  expect(made.files[0]?.name).toBe(`${"ü".repeat(90)}.mp4`);
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

it.each([
  ["without an option for lists", [], ["3", "2", "1"]],
  ["--playlist-items", ["--playlist-items", "2:3"], ["2", "1"]],
  ["--playlist-end", ["--playlist-end", "2"], ["3", "2"]],
  ["--max-downloads", ["--max-downloads=2"], ["3", "2"]],
])("answers a list as the options leave it: %s", async (_name, args, episodes) => {
  const found = await bench.look("feed.xml", { args });
  expect(found).toMatchObject({ kind: "list", title: "The Beep Hour", truncated: args[0] === "--max-downloads=2" });
  const urls = found.kind === "list" ? found.entries.map(({ url }) => url) : [];
  expect(urls).toEqual(episodes.map((one) => `${bench.origin.url}/episodes/${one}.mp3`));
});

it.each([
  [
    ["--match-filters", "id!=gallery-2"],
    ["video-360", "video-1080"],
  ],
  [
    ["--break-match-filters", "id!=gallery-3"],
    ["video-360", "vertical"],
  ],
])("leaves of a list what yt-dlp itself would fetch under %s", async (args, files) => {
  const found = await bench.look("pages/gallery", { args });
  const urls = found.kind === "list" ? found.entries.map(({ url }) => url) : [];
  expect(urls).toEqual(files.map((one) => `${bench.origin.url}/${one}.mp4`));
});

it.each([
  ["a program of the user's", "video-360.mp4", ["--exec", "touch pwned"], "unsupported", "'--exec' is not allowed"],
  ["an option that does not exist", "video-360.mp4", ["--nope"], "unsupported", "no such option: --nope"],
  ["a filter of the user's", "video-360.mp4", ["--match-filters", "title=b"], "unsupported", "does not pass filter"],
  ["a limit of the user's", "video-360.mp4", ["--max-filesize", "10k"], "unsupported", "max-filesize"],
  ["a format that is not there", "video-360.mp4", ["--format", "137"], "unsupported", "format is not available"],
  ["a source that breaks off", "truncated/video-360.mp4", ["--retries", "0"], "network", "Network error"],
  ["a page without media", "pages/plain", [], "unsupported", "Unsupported URL"],
])("fails on %s as it fails elsewhere", async (_name, path, args, failureClass, words) => {
  await expect(bench.run(path, { args })).rejects.toMatchObject({
    class: failureClass,
    message: expect.stringContaining(words),
  });
});

it.each([
  ["a file that grows past it", "endless/video-360.mp4", { maxFilesizeBytes: 2_000_000 }],
  ["a file whose size is told", "padded/3000000/tiny/h264.mp4", { maxFilesizeBytes: 2_000_000 }],
  ["a length that is told", "pages/watch", { maxDurationSeconds: 5 }],
])("ends at the account's limit: %s", async (_name, path, more) => {
  await expect(bench.run(path, { more })).rejects.toMatchObject({ class: "too_large" });
});

it("ends when it is told to, with all that it started", async () => {
  const ending = new AbortController();
  const running = bench.run("hold/library/long/video.mp4", { signal: ending.signal });
  await bench.origin.waitForHeld("library", 2);
  ending.abort();
  await expect(running).rejects.toMatchObject({ class: "cancelled" });
});

it("records a stream until it is told that it is enough, and delivers what there is", async () => {
  const enough = new AbortController();
  const path = "live/61/library/index.m3u8";
  const recording = bench.run(path, { more: { endRecording: enough.signal } });
  await bench.origin.waitForRequest("/broadcast/008.ts", 1);
  enough.abort();
  const made = await recording;
  expect(made.info.is_live).toBe(true);
  expect(made.telemetry.download_strategy).toBe("live");
  const { codecs, seconds } = await shapeOf(made.files[0]);
  expect(codecs).toBe("h264 aac");
  expect(seconds).toBeGreaterThan(1);
});

it("goes no way but the guard's, whatever proxies the options name", async () => {
  const nowhere = "http://127.0.0.1:9";
  const made = await bench.run("video-360.mp4", {
    args: ["--proxy", nowhere, "--geo-verification-proxy", nowhere, "--force-ipv6"],
  });
  expect(made.guarded).toBeGreaterThan(made.files[0]?.size ?? 0);
  expect(existsSync(join(made.dir, "pwned"))).toBe(false);
});
