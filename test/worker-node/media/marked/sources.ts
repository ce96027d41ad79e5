/** The measurable media of `test/origin/marked.ts` in many coats, all encoded from one lossless run of the pictures. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beeps, NUMBERED } from "../../../origin/marked.ts";

const run = promisify(execFile);
const FFMPEG_TIMEOUT_MILLIS = 60_000;

const FRAMES = 250;
const SECONDS = 10;

/** What a source is made of; its frames are numbered from 0. */
export interface MarkedSource {
  /** Its file name. */
  file: string;
  /** ffmpeg's arguments between the two inputs and the file name. */
  args: string;
  /** Read the pictures at another rate. */
  inputRate?: string;
  /** Made from a file of this folder without encoding. */
  from?: string;
}

const X264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";
const AAC = "-c:a aac -b:a 96k";
const gop = (frames: number) => `-g ${frames} -keyint_min ${frames} -sc_threshold 0`;

export const SOURCES = {
  plain: { file: "plain.mp4", args: `${X264} -bf 0 ${gop(50)} ${AAC}` },
  bframes: { file: "bframes.mp4", args: `${X264} -bf 3 ${gop(50)} ${AAC}` },
  /** As a site's DASH or HLS in fMP4. */
  fragmented: {
    file: "fragmented.mp4",
    from: "bframes.mp4",
    args: "-c copy -movflags frag_keyframe+delay_moov+default_base_moof",
  },
  /** With an index in front, as sites have it that are read by ranges. */
  indexed: {
    file: "indexed.mp4",
    from: "bframes.mp4",
    args: "-c copy -movflags frag_keyframe+delay_moov+default_base_moof+global_sidx",
  },
  ts: { file: "late.ts", from: "bframes.mp4", args: "-c copy -output_ts_offset 7.3" },
  mkv: { file: "late.mkv", from: "bframes.mp4", args: "-c copy -output_ts_offset 3" },
  openGop: {
    file: "open-gop.mp4",
    args: `${X264} -x264-params open-gop=1:bframes=3:keyint=50:min-keyint=50:scenecut=0 ${AAC}`,
  },
  ntsc: {
    file: "ntsc.mp4",
    inputRate: "30000/1001",
    args: `${X264} -bf 2 ${gop(60)} ${AAC} -t 8`,
  },
  /** Every frame whose number leaves 2 over by 5, or 3 by 7, is missing. */
  vfr: {
    file: "vfr.mp4",
    args: `-vf select='not(eq(mod(n\\,5)\\,2)+eq(mod(n\\,7)\\,3))' -vsync vfr ${X264} -bf 2 ${gop(40)} ${AAC}`,
  },
  oneGop: { file: "one-gop.mp4", args: `${X264} -bf 3 ${gop(1_000)} ${AAC}` },
  /** Main profile, other entropy coder, three slices: what an encoder of ours does not write. */
  main: {
    file: "main.mp4",
    args: `${X264} -profile:v main -bf 2 -x264-params cabac=0:slices=3 -level 4.0 ${gop(50)} ${AAC}`,
  },
  hevc: {
    file: "hevc.mp4",
    args: `-c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=error:bframes=3:keyint=50:min-keyint=50:scenecut=0:open-gop=0 -tag:v hvc1 ${AAC}`,
  },
  vp9: {
    file: "vp9.webm",
    args: "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -g 50 -c:a libopus -b:a 96k",
  },
} as const satisfies Record<string, MarkedSource>;

export type SourceName = keyof typeof SOURCES;

/** Makes the named sources in `dir`; some are made from others, which come along. */
export async function makeMarked(ffmpeg: string, dir: string, names: readonly SourceName[]): Promise<void> {
  const ff = (args: string[]) =>
    run(ffmpeg, ["-nostdin", "-v", "error", "-y", ...args], { cwd: dir, timeout: FFMPEG_TIMEOUT_MILLIS });
  const numbered = ["-f", "lavfi", "-i", NUMBERED, "-frames:v", String(FRAMES)];
  await ff([...numbered, "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", "-g", "1", "numbered.mkv"]);
  const wanted: MarkedSource[] = names.map((name) => SOURCES[name]);
  const parents = Object.values<MarkedSource>(SOURCES).filter((one) => wanted.some(({ from }) => from === one.file));
  const own = [...new Set([...parents, ...wanted])];
  for (const { file, args, inputRate, from } of [...own.filter((one) => !one.from), ...own.filter((one) => one.from)]) {
    const inputs =
      from === undefined
        ? [
            ...(inputRate === undefined ? [] : ["-r", inputRate]),
            "-i",
            "numbered.mkv",
            "-f",
            "lavfi",
            "-i",
            beeps(SECONDS),
          ]
        : ["-i", from];
    await ff([...inputs, ...args.split(" "), join(dir, file)]);
  }
}
