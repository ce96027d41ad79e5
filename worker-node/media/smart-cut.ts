/**
 * An exact clip of H.264 without encoding all of it (jobs API 11.5): whole groups of pictures are copied, the partial ones at
 * the two ends are encoded again with the source's profile. The encoded pictures bring parameter sets of their own, under a
 * number that the source does not use, and all sets stand in the one header of the result: a player needs no trick.
 */
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { freeSetId } from "./ffmpeg/avc.ts";
import { FRAGMENTED, joinParts, type Part, readPart } from "./ffmpeg/fragments.ts";
import { inputArguments } from "./ffmpeg/input.ts";
import { listPackets } from "./ffmpeg/packets.ts";
import type { ProbedStream } from "./ffmpeg/probe.ts";
import { runFfmpeg } from "./ffmpeg/run.ts";
import { decimal, prerollFor } from "./plan/arguments.ts";
import type { CopiedPart, EncodedPart, SmartCut } from "./plan/cut.ts";
import type { MediaDeps, MediaEvents, MediaRequest } from "./run-attempt.ts";

/** Near enough to the source that the joint is not seen; the pieces are short. */
const CRF = 18;
/** What makes x264 announce that pictures are reordered by none, one, or two. */
const REORDERING: Readonly<Record<number, readonly string[]>> = {
  0: ["-bf", "0"],
  1: ["-bf", "2", "-b-pyramid", "none"],
  2: ["-bf", "2", "-b-pyramid", "normal"],
};
const PROFILES: Readonly<Record<string, string>> = {
  Baseline: "baseline",
  "Constrained Baseline": "baseline",
  Main: "main",
  High: "high",
};

const PIECES = ["begin", "head", "middle", "tail"] as const;

export interface CutSource {
  path: string;
  stream: ProbedStream;
  /** Ticks a second. */
  ticks: number;
  /** Seconds on the file's clock at which it begins. */
  startSeconds: number;
}

export interface CutWork {
  request: MediaRequest;
  deps: MediaDeps;
  events: MediaEvents;
  signal: AbortSignal;
}

export interface JoinedVideo {
  /** Names of files in the attempt's folder, to be read one after the other. */
  parts: string[];
  /** The time of its first picture, seconds since the beginning of the source. */
  first: number;
}

/** What x264 can continue so that one header fits both: 8 bits, 4:2:0, progressive, not turned by the player. */
export function canBeContinued(stream: ProbedStream): boolean {
  const { width, height, pixelFormat, profile, interlaced, rotated } = stream;
  const even = (width ?? 1) % 2 === 0 && (height ?? 1) % 2 === 0;
  return (
    stream.codec === "h264" &&
    even &&
    !interlaced &&
    !rotated &&
    (pixelFormat === "yuv420p" || pixelFormat === "yuvj420p") &&
    PROFILES[profile ?? ""] !== undefined
  );
}

/**
 * @returns null when the result would not be safe to play: then the clip begins at a keyframe instead.
 * @throws MediaFailure
 */
export async function joinVideo(
  source: CutSource,
  cut: Extract<SmartCut, { kind: "join" }>,
  work: CutWork,
): Promise<JoinedVideo | null> {
  const { dir } = work.request;
  const file = (name: (typeof PIECES)[number]) => join(dir, `cut-${name}.mp4`);
  const middle = await copyPart(source, cut.middle, file("middle"), work);
  if (middle === null || !middle.beginsWithIdr) return null;
  const setId = freeSetId(middle.config);
  if (setId === null) return null;
  const { key, untilDts } = cut.middle;
  const copied = { part: middle, dts: key.dts };
  const before = { until: key.dts, delay: key.pts - key.dts, setId, path: file("head") };
  const head = cut.head === null ? [] : [await fittingPart(source, cut.head, before, work)];
  const from = Math.ceil(untilDts ?? 0);
  const after = { from, delay: (cut.tail?.first ?? 0) - from, setId, path: file("tail") };
  const tail = cut.tail === null ? [] : [await fittingPart(source, cut.tail, after, work)];
  const parts = [...head, copied, ...tail].filter((one) => one !== null);
  if (parts.length !== head.length + 1 + tail.length) return null;
  const files = await joinParts(parts, middle, file("begin"));
  if (files === null) return null;
  return {
    parts: files.map((path) => basename(path)),
    first: (cut.head?.first ?? cut.middle.key.pts) / source.ticks - source.startSeconds,
  };
}

/** What `joinVideo` wrote, once it has been read: together about as much as the clip. */
export async function removePieces(dir: string): Promise<void> {
  for (const name of PIECES) await rm(join(dir, `cut-${name}.mp4`), { force: true });
}

async function copyPart(source: CutSource, part: CopiedPart, path: string, work: CutWork): Promise<Part | null> {
  const { key, untilDts } = part;
  const length = untilDts === null ? [] : ["-t", decimal((untilDts - key.pts) / source.ticks)];
  await run(work, [
    ...inputArguments(source.path, ["-ss", decimal(seconds(source, key.pts))]),
    ...length,
    ...["-map", `0:${source.stream.index}`, "-c", "copy", "-copypriorss", "0", "-bsf:v", "h264_mp4toannexb"],
    ...output(source, path),
  ]);
  return readPart(path);
}

/** How an encoded piece has to fit to what is copied before or after it; decoding times are ticks of the source. */
interface Fit {
  from?: number;
  until?: number;
  /** How long before it is shown a picture is decoded, where the piece has no order of its own. */
  delay: number;
  setId: number;
  path: string;
}

/**
 * Encoded with the source's depth of reordering, so that those who guess decoding times (Matroska stores none) guess one
 * depth for all. If its decoding times then run into those of the copied part, without B-frames and at the distance that fits.
 */
async function fittingPart(source: CutSource, wanted: EncodedPart, fit: Fit, work: CutWork) {
  const { reorder } = source.stream;
  for (const frames of reorder > 0 ? [reorder, 0] : [0]) {
    await encodePart(source, wanted, { ...fit, reorder: frames }, work);
    const part = await readPart(fit.path);
    if (part === null || part.pictures !== wanted.pictures) return null;
    const { dir, groups } = work.request;
    const context = { dir, groups, signal: work.signal };
    const packets = await listPackets(work.deps.ffprobe, fit.path, { stream: 0, from: 0, to: null }, context);
    const shift = wanted.first - Math.min(...packets.map(({ pts }) => pts));
    const [first, last] = [packets[0], packets.at(-1)].map((packet) => (packet?.dts ?? 0) + shift);
    if (first === undefined || last === undefined) return null;
    if (first >= (fit.from ?? first) && last < (fit.until ?? Number.POSITIVE_INFINITY)) return { part, dts: first };
  }
  return null;
}

async function encodePart(source: CutSource, part: EncodedPart, as: Fit & { reorder: number }, work: CutWork) {
  const { profile, level, pixelFormat } = source.stream;
  const seek = seconds(source, part.seek);
  const preroll = prerollFor(seek);
  // 9 is level 1b, which has no such name.
  const limit = level !== null && level > 9 ? ["-level", (level / 10).toFixed(1)] : [];
  await run(work, [
    ...inputArguments(source.path, ["-ss", decimal(seek - preroll)]),
    ...["-ss", decimal(preroll)],
    ...["-map", `0:${source.stream.index}`, "-frames:v", String(part.pictures)],
    // Every picture once, at its own time.
    ...["-fps_mode", "passthrough", "-enc_time_base", "-1"],
    ...["-c:v", "libx264", "-preset", "veryfast", "-crf", String(CRF), ...(REORDERING[Math.min(as.reorder, 2)] ?? [])],
    ...["-profile:v", PROFILES[profile ?? ""] ?? "high", ...limit, "-pix_fmt", pixelFormat ?? "yuv420p"],
    ...["-x264-params", `sps-id=${as.setId}`],
    ...(as.reorder > 0 || as.delay === 0 ? [] : ["-bsf:v", `setts=dts=DTS-${as.delay}`]),
    ...output(source, as.path),
  ]);
}

function output(source: CutSource, path: string): string[] {
  return ["-an", "-sn", "-dn", "-video_track_timescale", String(source.ticks), ...FRAGMENTED, `file:${path}`];
}

function run({ request, deps, signal }: CutWork, args: string[]): Promise<void> {
  const { dir, groups } = request;
  return runFfmpeg(deps.ffmpeg, args, { dir, signal, groups, expectedSeconds: null });
}

/** Since the beginning of the file, as `-ss` counts. */
function seconds(source: CutSource, ticks: number): number {
  return ticks / source.ticks - source.startSeconds;
}
