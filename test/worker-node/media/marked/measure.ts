/** Reads marked media back: which frames, at which times, and when it beeps. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import type { Tools } from "../../../../worker-node/tools.ts";
import { MARKED_BITS as BITS } from "../../../origin/marked.ts";

const run = promisify(execFile);
const MAX_BUFFER = 64 * 1024 * 1024;
const SAMPLE_RATE = 48_000;
/** A beep is as loud as 23,000; the pre-echo of an encoder is not as loud as this. */
const LOUD = 4_000;
/** Beeps are a second apart: what is loud again within this time belongs to the same one. */
const SAME_BEEP_SAMPLES = SAMPLE_RATE / 2;

export interface Measured {
  /** In the order in which they are shown. */
  frames: { number: number; time: number }[];
  /** Where beeps begin, seconds on the file's own clock. */
  beeps: number[];
  /** What a full decode says on stderr. */
  complaints: string;
  /** Packets whose decoding time does not rise, of all streams. */
  unordered: number;
  /** Its first time stamp, and its length, as the container says. */
  start: number;
  seconds: number;
}

const Probe = z.object({
  format: z.object({ start_time: z.coerce.number(), duration: z.coerce.number() }),
  streams: z.array(z.object({ index: z.number(), codec_type: z.string() })),
  packets: z.array(
    z.object({
      stream_index: z.number(),
      pts_time: z.coerce.number().optional(),
      dts: z.number().optional(),
      flags: z.string(),
    }),
  ),
});

/** Decodes all of a file. */
export async function measure(tools: Tools, path: string): Promise<Measured> {
  const [ffmpeg = "", ffprobe = ""] = [tools.ffmpeg.command[0], tools.ffprobe.command[0]];
  const entries = "format=start_time,duration:stream=index,codec_type:packet=stream_index,pts_time,dts,flags";
  const { stdout } = await run(ffprobe, ["-v", "error", "-of", "json", "-show_entries", entries, path], {
    maxBuffer: MAX_BUFFER,
  });
  const { format, streams, packets } = Probe.parse(JSON.parse(stdout));
  const of = (kind: string) => streams.find(({ codec_type }) => codec_type === kind)?.index;
  const [video, audio] = [of("video"), of("audio")];
  // D: read only because others refer to it, and not shown.
  const shown = packets.filter(({ stream_index, flags }) => stream_index === video && !flags.includes("D"));
  const times = shown.map(({ pts_time }) => pts_time ?? Number.NaN).toSorted((a, b) => a - b);
  const pictures = video === undefined ? { numbers: [], stderr: "" } : await numbersOf(ffmpeg, path);
  const sound = audio === undefined ? { beeps: [], stderr: "" } : await beepsOf(ffmpeg, path);
  return {
    frames: pictures.numbers.map((number, at) => ({ number, time: times[at] ?? Number.NaN })),
    beeps: sound.beeps,
    complaints: `${pictures.stderr}${sound.stderr}`,
    unordered: unordered(packets),
    start: format.start_time,
    seconds: format.duration,
  };
}

async function decode(ffmpeg: string, args: readonly string[]) {
  const { stdout, stderr } = await run(ffmpeg, ["-nostdin", "-v", "error", ...args, "-"], {
    encoding: "buffer",
    maxBuffer: MAX_BUFFER,
  });
  return { stdout, stderr: stderr.toString("utf8") };
}

async function numbersOf(ffmpeg: string, path: string): Promise<{ numbers: number[]; stderr: string }> {
  const blocks = `crop=iw:20:0:0,scale=${BITS}:1:flags=area`;
  // On the source's own clock: ffmpeg's guess of a frame rate would have it say that times do not rise.
  const raw = ["-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "rawvideo", "-pix_fmt", "gray"];
  const { stdout, stderr } = await decode(ffmpeg, ["-i", path, "-an", "-vf", blocks, ...raw]);
  const numbers = Array.from({ length: stdout.length / BITS }, (_, frame) =>
    stdout.subarray(frame * BITS, (frame + 1) * BITS).reduce((sum, grey, bit) => sum + (grey > 128 ? 2 ** bit : 0), 0),
  );
  return { numbers, stderr };
}

async function beepsOf(ffmpeg: string, path: string): Promise<{ beeps: number[]; stderr: string }> {
  // The file's own clock, a late start of the sound included, instead of "from its first sample on".
  const clock = ["-copyts", "-i", path, "-vn", "-af", "aresample=async=1:first_pts=0"];
  const raw = ["-ac", "1", "-ar", String(SAMPLE_RATE), "-f", "s16le"];
  const { stdout, stderr } = await decode(ffmpeg, [...clock, ...raw]);
  const beeps: number[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (let at = 0; at * 2 + 1 < stdout.length; at++) {
    if (Math.abs(stdout.readInt16LE(at * 2)) < LOUD) continue;
    if (at - last > SAME_BEEP_SAMPLES) beeps.push(at / SAMPLE_RATE);
    last = at;
  }
  return { beeps, stderr };
}

function unordered(packets: z.infer<typeof Probe>["packets"]): number {
  const last = new Map<number, number>();
  let wrong = 0;
  for (const { stream_index, dts } of packets) {
    if (dts === undefined) continue;
    if (dts <= (last.get(stream_index) ?? Number.NEGATIVE_INFINITY)) wrong += 1;
    last.set(stream_index, dts);
  }
  return wrong;
}
