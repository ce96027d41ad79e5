/** ffprobe's JSON as our own types. Local files only, by the same closed list of demuxers as ffmpeg (`input.ts`). */
import { z } from "zod";
import { type RunOptions, runTool } from "../../process/run.ts";
import type { Tool } from "../../tools.ts";
import { abortFailure, MediaFailure } from "../failure.ts";
import { classifyToolFailure } from "../failures.ts";
import { inputArguments, type SideDemuxer } from "./input.ts";

const PROBE_TIMEOUT_MS = 60_000;
const MAX_PROBE_BYTES = 4 * 1024 * 1024;

const text = z.string().nullable().catch(null).default(null);
/** ffprobe prints most numbers as text. */
const number = z.coerce.number().finite().nullable().catch(null).default(null);

const Stream = z.object({
  index: z.int().nonnegative(),
  codec_type: text,
  codec_name: text,
  codec_tag_string: text,
  width: number,
  height: number,
  channels: number,
  pix_fmt: text,
  profile: text,
  level: number,
  has_b_frames: number,
  field_order: text,
  time_base: text,
  side_data_list: z
    .array(z.object({ rotation: number }).catch({ rotation: null }))
    .catch([])
    .default([]),
  bit_rate: number,
  duration: number,
  disposition: z.object({ attached_pic: number }).catch({ attached_pic: 0 }).default({ attached_pic: 0 }),
});
const Probe = z.object({
  streams: z.array(Stream).catch([]).default([]),
  format: z
    .object({
      format_name: text,
      duration: number,
      start_time: number,
      bit_rate: number,
      tags: z.record(z.string(), z.unknown()).catch({}).default({}),
    })
    .catch({ format_name: null, duration: null, start_time: null, bit_rate: null, tags: {} }),
});

export interface ProbedStream {
  index: number;
  kind: "video" | "audio" | "other";
  /** ffmpeg's name: `h264`, `hevc`, `vp9`, `aac`. */
  codec: string;
  tag: string | null;
  width: number | null;
  height: number | null;
  channels: number | null;
  pixelFormat: string | null;
  /** ffmpeg's words: `High`, `Constrained Baseline`. */
  profile: string | null;
  /** 31 for 3.1. */
  level: number | null;
  /** By how many pictures decoding runs ahead of showing. */
  reorder: number;
  interlaced: boolean;
  /** Turned by the player, as phones record. */
  rotated: boolean;
  /** Ticks a second of its time stamps; null when that is no whole number. */
  ticks: number | null;
  bitRate: number | null;
}

export interface Probed {
  /** The demuxer's name, `mov,mp4,m4a,3gp,3g2,mj2` for instance. */
  formatName: string;
  /** `qt  `, `isom`, …: which of the mov family it is. */
  majorBrand: string | null;
  durationSeconds: number | null;
  /** Time of the first packet: MPEG-TS does not begin at 0. */
  startSeconds: number;
  streams: ProbedStream[];
}

export type ProbeContext = Pick<RunOptions, "dir" | "signal" | "groups">;

/**
 * Looks into a local file.
 *
 * @param side the demuxer of a side file; without it one of those for media.
 * @throws MediaFailure `media` when it holds nothing that can be read.
 */
export async function probe(tool: Tool, path: string, context: ProbeContext, side?: SideDemuxer): Promise<Probed> {
  const input = inputArguments(path, [], side);
  const args = ["-hide_banner", "-v", "error", "-of", "json", "-show_format", "-show_streams", ...input];
  const result = await runTool([...tool.command, ...args], {
    ...context,
    env: tool.env,
    captureBytes: MAX_PROBE_BYTES,
    timeoutMs: PROBE_TIMEOUT_MS,
  });
  if (result.aborted && context.signal) throw abortFailure(context.signal);
  if (result.code !== 0) throw classifyToolFailure("mux", result);
  return parseProbe(result.stdout);
}

/** @throws MediaFailure when the text is not ffprobe's JSON. */
export function parseProbe(json: string): Probed {
  let raw: unknown;
  try {
    raw = JSON.parse(json);
  } catch {
    throw new MediaFailure("media");
  }
  const parsed = Probe.safeParse(raw);
  if (!parsed.success) throw new MediaFailure("media");
  const { streams, format } = parsed.data;
  const brand = format.tags.major_brand;
  return {
    formatName: format.format_name ?? "",
    majorBrand: typeof brand === "string" ? brand : null,
    durationSeconds: format.duration ?? longest(streams.map((stream) => stream.duration)),
    startSeconds: format.start_time ?? 0,
    streams: streams.map(toStream),
  };
}

function toStream(stream: z.infer<typeof Stream>): ProbedStream {
  // A cover picture is a video stream to ffmpeg, but not to anyone else.
  const picture = (stream.disposition.attached_pic ?? 0) > 0;
  const video = stream.codec_type === "video" && !picture;
  return {
    index: stream.index,
    kind: video ? "video" : stream.codec_type === "audio" ? "audio" : "other",
    codec: stream.codec_name ?? "unknown",
    tag: stream.codec_tag_string,
    width: stream.width,
    height: stream.height,
    channels: stream.channels,
    pixelFormat: stream.pix_fmt,
    profile: stream.profile,
    level: stream.level,
    reorder: stream.has_b_frames ?? 0,
    interlaced: stream.field_order !== null && !["progressive", "unknown"].includes(stream.field_order),
    rotated: stream.side_data_list.some(({ rotation }) => rotation !== null && rotation !== 0),
    ticks: ticks(stream.time_base),
    bitRate: stream.bit_rate,
  };
}

/** Of `1/12800`. */
function ticks(timeBase: string | null): number | null {
  const found = /^1\/([1-9]\d{0,9})$/.exec(timeBase ?? "");
  return found === null ? null : Number(found[1]);
}

function longest(durations: (number | null)[]): number | null {
  const known = durations.filter((one) => one !== null);
  return known.length === 0 ? null : Math.max(...known);
}
