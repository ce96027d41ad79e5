/**
 * From the recorded runs to the one file that the media plan works on. A run alone is that file already; several have
 * timelines of their own, so each is copied (packets only) behind the one before it. A picture and a sound that came as
 * two playlists share one timeline (RFC 8216, 6.2.4) and are laid beside each other by it: where each begins tells how
 * far they are apart.
 */
import { constants } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { MediaFailure } from "../failure.ts";
import { inputArguments } from "../ffmpeg/input.ts";
import { type Probed, probe } from "../ffmpeg/probe.ts";
import { runFfmpeg } from "../ffmpeg/run.ts";
import type { MediaDeps, MediaRequest } from "../run-attempt.ts";
import type { Run } from "./run-files.ts";

export interface JoinWork {
  request: Pick<MediaRequest, "dir" | "groups">;
  deps: Pick<MediaDeps, "ffmpeg" | "ffprobe">;
  signal: AbortSignal;
  onNote: (note: string, fields: Record<string, string | number>) => void;
}

/** What was recorded at the same time: one run, or one of each playlist. */
interface Part {
  runs: Run[];
  probes: Probed[];
  /** Which streams it has; parts that differ cannot be one file. */
  layout: string;
  seconds: number;
}

/** Packed audio has no clock of its own that a demuxer would show. */
const CLOCKED = /mpegts|mov|mp4|matroska/;

const POUR_BYTES = 1024 * 1024;

/**
 * @param tracks The runs of each playlist; at most a picture's and a sound's.
 * @returns the file's path.
 * @throws MediaFailure
 */
export async function joinRuns(tracks: readonly (readonly Run[])[], work: JoinWork): Promise<string> {
  const parts = await readable(pair(tracks), work);
  const chosen = alike(parts, work);
  const [only, second] = chosen;
  if (only === undefined) throw new MediaFailure("media", "The recorded stream cannot be read");
  if (second === undefined && only.runs.length === 1) return only.runs[0]?.path ?? "";
  // A single part may hold any codec; MPEG-TS, which can be laid end to end as it is, knows fewer.
  const single = second === undefined;
  const whole = join(work.request.dir, single ? "live.mkv" : "live.ts");
  if (single) {
    await copy(only, 0, "matroska", whole, work);
    return whole;
  }
  let at = 0;
  const file = await open(whole, "wx", 0o600);
  try {
    for (const part of chosen) at += await append(part, at, file, work);
  } finally {
    await file.close();
  }
  if (at === 0) throw new MediaFailure("media", "The recorded stream cannot be read");
  return whole;
}

/** Runs of two playlists belong together by their number. One that only one of them has is left out. */
function pair(tracks: readonly (readonly Run[])[]): Run[][] {
  const [first = [], ...others] = tracks;
  return first.flatMap((run) => {
    const mates = others.map((track) => track.find((each) => each.discontinuity === run.discontinuity));
    return mates.some((mate) => mate === undefined) ? [] : [[run, ...mates.filter((mate) => mate !== undefined)]];
  });
}

async function readable(pairs: readonly Run[][], { request, deps, signal, onNote }: JoinWork): Promise<Part[]> {
  const parts: Part[] = [];
  for (const runs of pairs) {
    try {
      const probes: Probed[] = [];
      for (const run of runs) probes.push(await probe(deps.ffprobe, run.path, { ...request, signal }));
      const layout = probes.map(layoutOf).join(" + ");
      if (layout.trim() !== "") parts.push({ runs, probes, layout, seconds: runs[0]?.seconds ?? 0 });
    } catch (error) {
      if (signal.aborted || pairs.length === 1) throw error;
      onNote("recording.unreadable", { seconds: runs[0]?.seconds ?? 0 });
    }
  }
  return parts;
}

function layoutOf(probed: Probed): string {
  const codecs = probed.streams.filter((stream) => stream.kind !== "other").map((stream) => stream.codec);
  return codecs.toSorted().join(" ");
}

/** An insert (a card without sound, an advertisement in another codec) gives way to the longer rest. */
function alike(parts: readonly Part[], { onNote }: JoinWork): Part[] {
  const seconds = new Map<string, number>();
  for (const part of parts) seconds.set(part.layout, (seconds.get(part.layout) ?? 0) + part.seconds);
  const [main] = [...seconds].toSorted((left, right) => right[1] - left[1]);
  for (const part of parts) {
    if (part.layout !== main?.[0]) onNote("recording.unlike", { layout: part.layout, seconds: part.seconds });
  }
  return parts.filter((part) => part.layout === main?.[0]);
}

/** Copies one part behind what is there; answers how long it is. A part that cannot be copied is left out. */
async function append(part: Part, at: number, whole: FileHandle, work: JoinWork): Promise<number> {
  const { request, deps, signal, onNote } = work;
  const piece = join(request.dir, "live-piece.ts");
  try {
    await copy(part, at, "mpegts", piece, work);
    const { durationSeconds } = await probe(deps.ffprobe, piece, { ...request, signal });
    await pour(piece, whole);
    // Twice the recording is on the disk already; three times need not be.
    for (const run of part.runs) await rm(run.path);
    return durationSeconds ?? part.seconds;
  } catch (error) {
    if (signal.aborted || !(error instanceof MediaFailure)) throw error;
    onNote("recording.unreadable", { seconds: part.seconds });
    return 0;
  } finally {
    await rm(piece, { force: true });
  }
}

async function copy(part: Part, at: number, muxer: "mpegts" | "matroska", path: string, work: JoinWork): Promise<void> {
  const { request, deps, signal } = work;
  const shared = part.runs.length > 1 && part.probes.every((probed) => CLOCKED.test(probed.formatName));
  const begins = shared ? Math.min(...part.probes.map((probed) => probed.startSeconds)) : 0;
  const args = [
    ...(shared ? ["-copyts"] : []),
    ...part.runs.flatMap((run) => inputArguments(run.path)),
    ...part.probes.flatMap(mapsOf),
    ...["-c", "copy", "-output_ts_offset", (at - begins).toFixed(6), "-max_muxing_queue_size", "4096"],
    ...(muxer === "mpegts" ? ["-muxdelay", "0", "-muxpreload", "0"] : []),
    ...["-f", muxer, "-y", `file:${path}`],
  ];
  await runFfmpeg(deps.ffmpeg, args, { ...request, signal, expectedSeconds: null });
}

function mapsOf(probed: Probed, input: number): string[] {
  const wanted = ["video", "audio"].map((kind) => probed.streams.find((stream) => stream.kind === kind));
  return wanted.flatMap((stream) => (stream === undefined ? [] : ["-map", `${input}:${stream.index}`]));
}

/** The piece is a tool's work: what lies there under its name must be a file, not a way to another one. */
async function pour(from: string, to: FileHandle): Promise<void> {
  const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW);
  // The handle closes with its stream.
  for await (const chunk of source.createReadStream({ highWaterMark: POUR_BYTES }))
    await to.appendFile(chunk as Buffer);
}
