/** Side files of real sources: cue times and words are read back, pictures are looked at with ffprobe. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { type MediaDeps, mediaDeps } from "../../../worker-node/media/run-attempt.ts";
import { parseSubtitles } from "../../../worker-node/media/subtitles/read.ts";
import { removeAttempt } from "../../../worker-node/process/leftovers.ts";
import { runTool } from "../../../worker-node/process/run.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { mediaRequest, runMedia } from "./attempt.ts";
import { realTools } from "./tools.ts";

let origin: Origin;
let deps: MediaDeps;
let dir: string;
beforeAll(async () => {
  const [site, tools] = await Promise.all([startOrigin(), realTools()]);
  origin = site;
  deps = mediaDeps(tools);
});
afterAll(() => origin.close());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trawl-side-"));
});
afterEach(async () => {
  await removeAttempt(dir);
});

async function produce(path: string, options: Partial<JobOptions>) {
  return runMedia(mediaRequest(`${origin.url}/${path}`, dir, options), deps);
}

/** `language: start-end words`, one a cue. */
function cuesOf(files: readonly { kind: string; path: string; language: string | null }[]): string[] {
  return files
    .filter((file) => file.kind === "subtitle")
    .flatMap((file) => {
      const text = readFileSync(file.path, "utf8");
      expect(text.startsWith("WEBVTT\n")).toBe(true);
      const round = (seconds: number) => Math.round(seconds * 1000) / 1000;
      return (parseSubtitles(text)?.cues ?? []).map(
        ({ start, end, text }) => `${file.language}: ${round(start)}-${round(end)} ${text.replaceAll("\n", "|")}`,
      );
    });
}

describe("subtitles", () => {
  it("become WebVTT from SubRip, TTML and SSA, one file for each language that was asked for", async () => {
    const made = await produce("pages/captions", {
      download_subtitles: true,
      subtitle_languages: ["en", "de-AT", "fr", "en-GB", "ja"],
    });
    const cues = cuesOf(made.files);
    expect(made.files.map((file) => file.language)).toEqual([null, "en-GB", "de", "fr"]);
    expect(cues.filter((cue) => cue.includes(": 4-4.9"))).toEqual([
      "en-GB: 4-4.9 <i>five</i> &amp; more",
      "de: 4-4.9 fünf|Zeile",
      "fr: 4-4.9 cinq, oui|non",
    ]);
    expect(cues).toHaveLength(24);
  });

  it("of HLS segments with a map each count from the first picture, and say nothing twice", async () => {
    const made = await produce("hls/pieces.m3u8", { download_subtitles: true });
    expect(cuesOf(made.files)).toEqual([
      "en-US: 0-0.9 one",
      "en-US: 1-1.9 two",
      "en-US: 1.5-2.5 over the border",
      "en-US: 2-2.9 three",
      "en-US: 3-3.9 four",
      "en-US: 4-4.9 five",
      "en-US: 5-5.9 six",
      "en-US: 6-6.9 seven",
      "en-US: 7-7.9 eight",
    ]);
  });

  it("are cut where a copied picture really begins", async () => {
    const made = await produce("hls/pieces.m3u8", {
      download_subtitles: true,
      format: "mkv",
      clip_start_seconds: 3.2,
      clip_end_seconds: 6.5,
    });
    const start = made.effective.actual_clip_start ?? -1;
    const cues = cuesOf(made.files).map((cue) => /: ([\d.]+)-([\d.]+) (.*)$/.exec(cue)?.slice(1));
    const seven = cues.find((cue) => cue?.[2] === "seven");
    expect(Number(seven?.[0])).toBeCloseTo(6 - start, 2);
    expect(Number(seven?.[1])).toBeCloseTo(6.5 - start, 2);
    expect(cues.some((cue) => cue?.[2] === "eight" || cue?.[2] === "one")).toBe(false);
  });

  it("that are not there cost the job nothing", async () => {
    const made = await produce("video-360.mp4", { download_subtitles: true, download_thumbnail: true });
    expect(made.files.map((file) => file.kind)).toEqual(["media"]);
  });
});

describe("the info file", () => {
  it("comes where the operator wants it, and tells no address of a format", async () => {
    const made = await produce("pages/chapters", { info_json: true });
    const file = made.files.find((one) => one.kind === "info");
    const text = readFileSync(file?.path ?? "", "utf8");
    expect(JSON.parse(text)).toMatchObject({
      title: "A title = with; signs # and \\ more",
      webpage_url: `${origin.url}/pages/chapters`,
      chapters: [{ start_time: 0, end_time: 3 }, { start_time: 3 }],
    });
    expect(text).not.toMatch(/video-360\.mp4|http_headers|\/tmp\//);
    expect(file?.size).toBe(Buffer.byteLength(text));
  });
});

describe("the thumbnail", () => {
  it.each(["webp", "gif"])("is a JPEG of the same size, from %s", async (kind) => {
    const made = await produce(`pages/poster-${kind}`, { download_thumbnail: true });
    const path = made.files.find((file) => file.kind === "thumbnail")?.path ?? "";
    const entries = "format=format_name:stream=codec_name,width,height";
    const args = ["-v", "error", "-of", "csv=p=0", "-show_entries", entries, path];
    const probed = await runTool([...deps.ffprobe.command, ...args], { dir, captureBytes: 4_096 });
    expect(probed.stdout.trim().split("\n")).toEqual(["mjpeg,640,360", "jpeg_pipe"]);
  });
});
