/** What clips of a part are cut from, and which. One list: a run of minutes takes some of it, the long one takes all. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "vitest";
import type { JobOptions } from "../../../shared/contract/options.ts";
import type { Tools } from "../../../worker-node/tools.ts";
import { ensureMedia } from "../../origin/media.ts";
import { cutLocal, cutServed } from "./marked/cut.ts";
import { makeMarked } from "./marked/sources.ts";

const run = promisify(execFile);
/** Other coats for the marked media, put on without encoding; one that is made from another comes behind it. */
const COATS: Readonly<Record<string, string>> = {
  "front.mp4": "-i bframes.mp4 -c copy -movflags +faststart",
  "negative.mp4": "-i bframes.mp4 -c copy -movflags +faststart+negative_cts_offsets",
  "no-edits.mp4": "-i bframes.mp4 -c copy -use_editlist 0",
  // Begins between two key frames, by an edit list.
  "edited.mp4": "-ss 1.3 -i bframes.mp4 -c copy",
  "late-sound.mp4": "-i bframes.mp4 -itsoffset 0.7 -i bframes.mp4 -map 0:v -map 1:a -c copy",
  "late-picture.mp4": "-itsoffset 0.7 -i bframes.mp4 -i bframes.mp4 -map 0:v -map 1:a -c copy",
  "turned.mov": "-i bframes.mp4 -c copy -metadata:s:v rotate=90 -video_track_timescale 600",
  "opus.mp4": "-i bframes.mp4 -c:v copy -c:a libopus -strict -2",
  "picture.mp4": "-i bframes.mp4 -map 0:v -c copy",
  "sound.mp4": "-i bframes.mp4 -map 0:a -c copy",
  "fragmented.mp4": "-i bframes.mp4 -c copy -movflags frag_keyframe+delay_moov+default_base_moof",
};
/** A minute, as sites have picture and sound that are read by ranges: in fragments, with one list of them in front. */
const LISTED: Readonly<Record<string, string>> = {
  "listed-picture.mp4": "-map 0:v -c copy -movflags frag_keyframe+delay_moov+default_base_moof+global_sidx",
  "listed-sound.mp4": "-map 0:a -c copy -frag_duration 1500000 -movflags delay_moov+default_base_moof+global_sidx",
};
const MINUTES = 10;

/** Makes all of them in a folder. */
export async function makeClipSources(ffmpeg: string, dir: string): Promise<void> {
  await makeMarked(ffmpeg, dir, ["bframes", "vfr", "ntsc", "hevc", "openGop", "vp9"]);
  const ff = (args: string) => run(ffmpeg, ["-nostdin", "-v", "error", "-y", ...args.split(" ")], { cwd: dir });
  for (const [name, args] of Object.entries(COATS)) await ff(`${args} ${name}`);
  const minute = join(await ensureMedia(), "long/video.mp4");
  for (const [name, flags] of Object.entries({
    "long-front.mp4": "-movflags +faststart",
    "long-behind.mp4": "-strict 0",
  }))
    await ff(`-stream_loop ${MINUTES - 1} -i ${minute} -c copy ${flags} ${name}`);
  for (const [name, args] of Object.entries(LISTED)) await ff(`-i ${minute} ${args} ${name}`);
  await ff(`-i ${minute} -c copy minute.mkv`);
  await ff(`-i ${minute} -c copy -output_ts_offset 3 -cues_to_front 1 minute-late.mkv`);
  await ff("-stream_loop 5 -i vp9.webm -c copy minute.webm");
}

const quick = { video_codec: "h264", quality_preset: "lowest" } as const;

export type Clip = readonly [
  title: string,
  file: string,
  start: number,
  end: number | null,
  more?: Partial<JobOptions>,
];

/** One of each kind of file, and of each way to cut. */
export const CLIPS: readonly Clip[] = [
  ["with its index behind", "bframes.mp4", 6.5, 7.1],
  ["to its end", "bframes.mp4", 7.3, null],
  ["at a variable frame rate, encoded", "vfr.mp4", 6.51, 7.33, quick],
  ["into Matroska", "front.mp4", 6.5, 7.1, { format: "mkv" }],
  ["with an edit that begins between key frames", "edited.mp4", 5.2, 6.3],
  ["whose sound begins late", "late-sound.mp4", 6.5, 7.1],
  ["of H.265, at a key frame before", "hevc.mp4", 6.5, 7.1],
  ["of Matroska with its places in front, which begins late", "minute-late.mkv", 36.5, 38.2],
  ["of WebM, encoded", "minute.webm", 36.51, 38.2, quick],
  ["of WebM, to its end", "minute.webm", 56.1, null, { format: "webm" }],
  ["of the sound of WebM", "minute.webm", 36.5, 38.2, { audio_only: true, format: "opus" }],
  ["of a sound that needs a run-up", "opus.mp4", 6.3, 7.5, { audio_only: true, format: "opus" }],
];

/** What differs from those in one thing. */
export const MORE_CLIPS: readonly Clip[] = [
  ["with its index in front", "front.mp4", 6.5, 7.1],
  ["at a key frame", "front.mp4", 6, 8],
  ["from its beginning", "front.mp4", 0, 1.5],
  ["encoded", "bframes.mp4", 7.33, 7.9, quick],
  ["at a variable frame rate", "vfr.mp4", 6.5, 7.1],
  ["at 29.97 frames a second, into MOV", "ntsc.mp4", 6.5, 7.1, { format: "mov" }],
  ["with times that are set back", "negative.mp4", 6.5, 7.1],
  ["without edits, whose picture begins late", "no-edits.mp4", 6.5, 7.1],
  ["with an edit that begins between key frames, encoded", "edited.mp4", 5.2, 6.3, quick],
  ["whose picture begins late", "late-picture.mp4", 6.5, 7.1],
  ["in open groups of pictures", "open-gop.mp4", 6.5, 7.1],
  ["that a player turns", "turned.mov", 6.5, 7.1],
  ["of Matroska with its places behind", "minute.mkv", 36.5, 38.2, { format: "mkv" }],
  ["of WebM, at a key frame before", "minute.webm", 36.5, 38.2, { format: "webm" }],
  ["of the sound alone", "bframes.mp4", 6.3, 7.5, { audio_only: true, format: "m4a" }],
];

/** A clip of which a part was fetched is that of the whole, frame by frame. */
export async function expectSameAsWhole(tools: Tools, dir: string, [, name, start, end, more]: Clip): Promise<void> {
  const path = join(dir, name);
  const options = { clip_start_seconds: start, clip_end_seconds: end, ...more };
  const { sent, total, strategy, ...part } = await cutServed(tools, [path], options);
  // Decoders name themselves by an address.
  const plain = (text: string) => text.replace(/0x[0-9a-f]+/g, "");
  const whole = await cutLocal(tools, [path], options);
  expect({ ...part, complaints: plain(part.complaints) }).toEqual({ ...whole, complaints: plain(whole.complaints) });
  expect(strategy).toBe("direct");
  expect(sent).toBeLessThan(total / 10);
}
