/** Presets and options in numbers, by both adapters of yt-dlp. */
import { readdir } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { mediaDeps } from "../../../../worker-node/media/run-attempt.ts";
import { commandLineYtDlp } from "../../../../worker-node/media/ytdlp/command-line.ts";
import { startWarmHost } from "../../../../worker-node/media/ytdlp/host/warm-host.ts";
import type { YtDlp } from "../../../../worker-node/media/ytdlp/port.ts";
import type { Tools } from "../../../../worker-node/tools.ts";
import { realTools } from "../tools.ts";
import { LibraryBench, shapeOf } from "./runs.ts";

type Made = YtDlp & { stop?: () => Promise<void> };
const ADAPTERS: Readonly<Record<string, (tools: Tools) => Promise<Made>>> = {
  "the warm host": ({ ytdlp, jsRuntime }) =>
    startWarmHost({ tool: { ...ytdlp, python: ytdlp.python ?? "" }, jsRuntime, log: () => {} }),
  "the command line": async ({ ytdlp, jsRuntime }) => commandLineYtDlp(ytdlp, jsRuntime),
};
const TALL = ["--format-sort", "vcodec:h264,acodec:aac", "--merge-output-format", "mp4", "--format"];
const INFO_READER =
  "%(channel,uploader|Unknown)s/Season %(release_date>%Y,upload_date>%Y|Unknown)s/%(release_date>%Y%m%d,upload_date>%Y%m%d|0)s - %(title)s [%(id)s].%(ext)s";

describe.each(Object.keys(ADAPTERS))("by %s", (adapter) => {
  let ytdlp: Made;
  let bench: LibraryBench;
  beforeAll(async () => {
    const tools = await realTools();
    const made = await ADAPTERS[adapter]?.(tools);
    if (made === undefined) throw new Error("no adapter");
    ytdlp = made;
    bench = await LibraryBench.open(mediaDeps(tools, ytdlp));
  });
  afterAll(async () => {
    await bench.close();
    await ytdlp.stop?.();
  });
  afterEach(() => bench.clear());

  // The shipped presets (library API 7.2), without their archive.
  it.each([
    ["default", "pages/watch", [], "h264 aac", "A Clock & Its Beep.mp4"],
    [
      "mobile",
      "tiny/dash/manifest.mpd",
      [
        ...["--merge-output-format", "mp4", "--remux-video", "mp4"],
        ...["--embed-chapters", "--embed-metadata", "--embed-thumbnail"],
      ],
      "h264 aac",
      "manifest.mp4",
    ],
    ["1080p", "pages/html5", [...TALL, "bv*[height<=1080]+ba/b[height<=1080]"], "h264 aac", "A plain player (1).mp4"],
    ["720p", "hls/master.m3u8", [...TALL, "bv*[height<=720]+ba/b[height<=720]"], "h264 aac", "master.mp4"],
    [
      "audio_only",
      "pages/watch",
      ["--extract-audio", "--audio-quality", "0", "--embed-metadata", "--embed-thumbnail"],
      "aac mjpeg",
      "A Clock & Its Beep.m4a",
    ],
  ])("delivers what the preset %s is for", async (_name, path, args, codecs, name) => {
    const made = await bench.run(path, { args: ["--socket-timeout", "30", ...args] });
    expect(made.names).toEqual([`media ${name}`]);
    expect((await shapeOf(made.files[0])).codecs).toBe(codecs);
  });

  it("delivers what the preset info_reader_plugin is for", async () => {
    const made = await bench.run("pages/watch", {
      args: ["--write-info-json", "--write-thumbnail", "--convert-thumbnails", "jpg"],
      template: INFO_READER,
    });
    const stem = "Unknown/Season 2024/20240115 - A Clock & Its Beep [watch]";
    expect(made.names).toEqual([`media ${stem}.mp4`, `thumbnail ${stem}.jpg`, `info ${stem}.info.json`]);
  });

  it.each([
    ["--recode-video", "tiny/vp9.webm", ["--recode-video", "mp4"], "h264 aac", "VideoConvertor"],
    ["--audio-format", "pages/watch", ["-x", "--audio-format", "mp3"], "mp3", "ExtractAudio"],
    ["--embed-chapters", "pages/chapters", ["--embed-chapters", "--remux-video", "mkv"], "h264 aac", "Metadata"],
    [
      "--embed-thumbnail",
      "pages/poster-webp",
      ["-x", "--audio-format", "opus", "--embed-thumbnail"],
      "opus png",
      "EmbedThumbnail",
    ],
    ["--embed-subs", "hls/master.m3u8", ["--embed-subs", "--sub-langs", "de"], "h264 aac mov_text", "EmbedSubtitle"],
    ["--remove-chapters", "pages/chapters", ["--remove-chapters", "After.*"], "h264 aac", "ModifyChapters"],
    // The service is nowhere: then there are no segments, and that is all.
    [
      "--sponsorblock-mark",
      "pages/watch",
      ["--sponsorblock-mark", "all", "--sponsorblock-api", "http://127.0.0.1:9"],
      "h264 aac",
      "ModifyChapters",
    ],
  ])("does what %s asks for from the one look", async (_name, path, args, codecs, work) => {
    const made = await bench.run(path, { args });
    expect((await shapeOf(made.files[0])).codecs).toBe(codecs);
    expect(made.told).toContain(work);
  });

  it("joins picture and sound under one bar, and names the work that yt-dlp is at", async () => {
    const made = await bench.run("tiny/dash/manifest.mpd", { args: ["--embed-metadata", "--remux-video", "mkv"] });
    expect(made.names).toEqual(["media manifest.mkv"]);
    expect(made.told).toEqual(["download", "mux", "Merger", "VideoRemuxer", "Metadata"]);
    expect(made.fractions).toEqual(made.fractions.toSorted((a, b) => (a ?? 0) - (b ?? 0)));
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

  it("cuts a name that a file system would not take", async () => {
    const made = await bench.run("video-360.mp4", {
      args: ["--replace-in-metadata", "title", "^.*$", "ü".repeat(300)],
    });
    expect(made.files[0]?.name).toBe(`${"ü".repeat(90)}.mp4`);
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

  it("puts what a list said of its entry into the template", async () => {
    const made = await bench.run("tiny/h264.mp4", {
      template: "%(playlist_title)s/%(playlist_index)s of %(n_entries)s - %(title)s by %(uploader)s.%(ext)s",
      fields: {
        playlist: "A/list",
        playlist_title: "A/list",
        playlist_index: 3,
        n_entries: 12,
        playlist_autonumber: 3,
        uploader: "no",
      },
    });
    expect(made.names).toEqual(["media A⧸list/3 of 12 - h264 by NA.mp4"]);
  });

  it("ends a recording before it is too large", async () => {
    const made = await bench.run("live/61/size/index.m3u8", { more: { maxFilesizeBytes: 600_000 } });
    const size = made.files[0]?.size ?? 0;
    expect(size).toBeGreaterThan(100_000);
    expect(size).toBeLessThan(600_000);
  });

  it("ends a recording at the account's longest", async () => {
    const made = await bench.run("live/61/cap/index.m3u8", { more: { maxDurationSeconds: 4 } });
    expect(made.info.is_live).toBe(true);
    expect((await shapeOf(made.files[0])).codecs).toBe("h264 aac");
  });
});
