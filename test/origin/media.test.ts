import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureMedia } from "./media.ts";
import { MEDIA, THUMBNAILS } from "./recipes.ts";
import { type Origin, startOrigin } from "./server.ts";

const run = promisify(execFile);
/** Making the media takes about 10 s on two cores; this is for the slowest machine. */
const MAKE_TIMEOUT_MILLIS = 120_000;

interface Probe {
  streams: { codec_type: string; codec_name: string; width?: number; height?: number }[];
  format: { duration: string };
}

async function probe(url: string): Promise<Probe> {
  const ffprobe = process.env.TRAWL_FFPROBE ?? "ffprobe";
  const { stdout } = await run(ffprobe, ["-v", "error", "-show_streams", "-show_format", "-of", "json", url]);
  return JSON.parse(stdout);
}

describe("the media of the test site", () => {
  let origin: Origin;
  beforeAll(async () => {
    origin = await startOrigin();
  }, MAKE_TIMEOUT_MILLIS);
  afterAll(() => origin.close());

  it.each(MEDIA)("$file plays as described", async ({ file, seconds, video, audio }) => {
    const { streams, format } = await probe(`${origin.url}/${file}`);
    expect(Math.abs(Number(format.duration) - seconds)).toBeLessThanOrEqual(0.1);
    const picture = streams.find((stream) => stream.codec_type === "video");
    expect(picture && { codec: picture.codec_name, width: picture.width, height: picture.height }).toEqual(video);
    expect(streams.find((stream) => stream.codec_type === "audio")?.codec_name).toBe(audio);
  });

  it.each(Object.entries(THUMBNAILS))("%s is a picture", async (file, codec) => {
    const { streams } = await probe(`${origin.url}/${file}`);
    expect(streams).toMatchObject([{ codec_name: codec, width: 640, height: 360 }]);
  });

  it("offers both variants and both subtitles in the HLS master playlist", async () => {
    const { streams } = await probe(`${origin.url}/hls/master.m3u8`);
    const heights = streams.flatMap(({ height }) => height ?? []);
    expect(heights).toEqual([360, 720]);
    const words = await (await fetch(`${origin.url}/hls/subs/en.vtt`)).text();
    expect(words).toContain("X-TIMESTAMP-MAP=MPEGTS:126000");
    expect(words).toContain("00:00:07.000 --> 00:00:07.900\neight");
  });

  it("begins every MP4 with its index", async () => {
    const response = await fetch(`${origin.url}/video-360.mp4`, { headers: { range: "bytes=0-63" } });
    expect(await response.text()).toContain("moov");
  });

  it("serves the very same folder to all who ask for media", async () => {
    const [one, two] = await Promise.all([ensureMedia(), ensureMedia()]);
    expect(one).toBe(two);
  });

  it("stops when told to while it makes media, and leaves nothing behind", async () => {
    const cacheDir = await mkdtemp(join(tmpdir(), "origin-"));
    try {
      await expect(ensureMedia({ cacheDir, signal: AbortSignal.abort() })).rejects.toThrow(/abort/);
      expect(await readdir(cacheDir)).toEqual([]);
    } finally {
      await rm(cacheDir, { recursive: true });
    }
  });
});
