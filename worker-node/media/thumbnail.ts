/** The picture of a source as a JPEG, whatever the site has it in. */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { inputArguments, type SideDemuxer } from "./ffmpeg/input.ts";
import { runFfmpeg } from "./ffmpeg/run.ts";
import type { MediaDeps, MediaRequest } from "./run-attempt.ts";

/** A picture of 16 KB can unfold to gigabytes; an 8K screen has 33 million pixels. */
const MAX_PIXELS = 40_000_000;
/** Longest side of what is delivered: at this quality its JPEG stays under the 5 MB that the downloads API serves. */
const MAX_SIDE = 3_840;
const CONVERT_TIMEOUT_MS = 30_000;

/**
 * Fetches the picture and converts it; null when it could not be had or is none of JPEG, PNG, WebP and GIF.
 *
 * @param name fixed file name in the attempt's folder, without an ending.
 * @throws MediaFailure when aborted, or when ffmpeg could not read the picture.
 */
export async function makeThumbnail(
  url: string,
  name: string,
  request: Pick<MediaRequest, "dir" | "proxyUrl" | "groups" | "cookiesFile">,
  deps: MediaDeps,
  signal: AbortSignal,
): Promise<{ path: string; size: number } | null> {
  const { dir, proxyUrl, groups, cookiesFile } = request;
  const found = await deps.ytdlp.thumbnail({ url, fileName: name }, { dir, proxyUrl, groups, signal, cookiesFile });
  const demuxer = found === null ? null : await pictureKind(found);
  if (found === null || demuxer === null) return null;
  const path = join(dir, `${name}.output`);
  // Always through the decoder, a JPEG too: what is delivered as a picture then is one, and brings nothing else along.
  const fit = `scale=w=min(${MAX_SIDE}\\,iw):h=min(${MAX_SIDE}\\,ih):force_original_aspect_ratio=decrease`;
  const args = [
    ...inputArguments(found, ["-max_pixels", String(MAX_PIXELS)], demuxer),
    ...["-map", "0:v:0", "-frames:v", "1", "-vf", fit, "-pix_fmt", "yuvj420p", "-q:v", "3", "-c:v", "mjpeg"],
    ...["-map_metadata", "-1", "-f", "mjpeg", "-y", `file:${path}`],
  ];
  const within = AbortSignal.any([signal, AbortSignal.timeout(CONVERT_TIMEOUT_MS)]);
  await runFfmpeg(deps.ffmpeg, args, { dir, signal: within, groups, expectedSeconds: null });
  const { size } = await stat(path);
  return size === 0 ? null : { path, size };
}

/** By its first bytes: the ending is the site's word. */
async function pictureKind(path: string): Promise<SideDemuxer | null> {
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(12);
    await file.read(head, 0, 12, 0);
    if (head.readUInt16BE(0) === 0xffd8) return "jpeg_pipe";
    if (head.toString("latin1", 1, 4) === "PNG") return "png_pipe";
    if (head.toString("latin1", 0, 4) === "GIF8") return "gif_pipe";
    return head.toString("latin1", 0, 4) === "RIFF" && head.toString("latin1", 8, 12) === "WEBP" ? "webp_pipe" : null;
  } finally {
    await file.close();
  }
}
