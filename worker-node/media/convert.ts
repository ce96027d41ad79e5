/** The ffmpeg work of an attempt: mux, cut, re-encode. */
import { type ClipCut, type ClipSource, findCut } from "./clip.ts";
import { MediaFailure, sizeFailure } from "./failure.ts";
import { runFfmpeg } from "./ffmpeg/run.ts";
import { prerollFor, stepArguments } from "./plan/arguments.ts";
import type { MediaEvents } from "./run-attempt.ts";
import { type JoinedVideo, joinVideo, removePieces } from "./smart-cut.ts";

export interface Conversion extends ClipSource {
  output: string;
  events: MediaEvents;
}

export interface Converted {
  input: number;
  /** Where the output really begins and ends in the source, seconds; the end null for that of the media. */
  clipStart: number;
  clipEnd: number | null;
  /** Waiting for a transcode slot; null where none was needed. */
  waitedMilliseconds: number | null;
}

/** @throws MediaFailure `clip` when the clip begins behind the end of the media. */
export async function convert(conversion: Conversion): Promise<Converted> {
  const { steps, events } = conversion;
  const total = longest(conversion);
  if (steps.clip !== null && total !== null && steps.clip.start > 0 && steps.clip.start >= total)
    throw new MediaFailure("clip");
  const cut = await findCut(conversion);
  const slot = await transcodeSlot(conversion, cut);
  try {
    events.onStep("mux");
    const joined = cut.smart === null ? null : await joinVideo(cut.smart.source, cut.smart.cut, conversion);
    // What could not be joined safely begins at a keyframe.
    const final = cut.smart !== null && joined === null ? await findCut(conversion, false) : cut;
    await run(conversion, final, joined, total);
    if (cut.smart !== null) await removePieces(conversion.request.dir);
    return { input: 0, clipStart: final.start, clipEnd: final.end, waitedMilliseconds: slot.waited };
  } finally {
    slot.release();
  }
}

async function run(
  conversion: Conversion,
  cut: ClipCut,
  joined: JoinedVideo | null,
  total: number | null,
): Promise<void> {
  const { request, paths, begins, output, deps, events, signal } = conversion;
  const { dir, groups, maxFilesizeBytes: maxBytes } = request;
  const end = Math.min(cut.end ?? Number.POSITIVE_INFINITY, total ?? Number.POSITIVE_INFINITY);
  // Copied packets need none: their keyframe is known.
  const preroll = cut.steps.video?.mode === "encode" ? prerollFor(cut.start) : 0;
  const inputs: { path: string | readonly string[]; skip: number }[] = paths.map((path, at) => ({
    path,
    skip: cut.start - preroll - (begins[at] ?? 0),
  }));
  let { steps } = cut;
  if (joined !== null && steps.video !== null) {
    const stream = { ...steps.video.stream, index: 0 };
    steps = { ...steps, video: { mode: "copy", input: inputs.length, stream } };
    inputs.push({
      path: joined.parts,
      skip: Math.min(0, cut.start - joined.first - (begins[cut.steps.video?.input ?? 0] ?? 0)),
    });
  }
  const length = cut.end === null ? null : cut.end - cut.start;
  const args = stepArguments(steps, { inputs, output }, { preroll, length, copyUntil: cut.copyUntil });
  const began = performance.now();
  await runFfmpeg(deps.ffmpeg, args, {
    dir,
    signal,
    groups,
    maxBytes,
    expectedSeconds: Number.isFinite(end) ? Math.max(0, end - cut.start) : null,
    onFraction: (fraction) => events.onProgress(muxProgress(fraction, performance.now() - began)),
  }).catch((error: unknown) => {
    if (error instanceof MediaFailure && error.class === "too_large") throw sizeFailure(maxBytes);
    throw error;
  });
}

/** Copying packets needs no slot: it waits for the disk, not for the processor. */
async function transcodeSlot(
  { deps, signal }: Conversion,
  { steps, smart }: ClipCut,
): Promise<{ waited: number | null; release: () => void }> {
  if (steps.kind !== "transcode" && smart === null) return { waited: null, release: () => {} };
  const began = performance.now();
  const release = (await deps.transcodeSlot?.(signal)) ?? (() => {});
  return { waited: Math.round(performance.now() - began), release };
}

function muxProgress(fraction: number | null, milliseconds: number) {
  // Too early to tell from the first moments, when the encoder fills its look-ahead.
  const eta = fraction !== null && fraction > 0.01 ? Math.round((milliseconds / fraction - milliseconds) / 1000) : null;
  return { fraction, bytes: null, total_bytes: null, speed_bytes_per_second: null, eta_seconds: eta };
}

/** Where the last of the files ends, seconds since the media begin. */
function longest({ probes, begins }: Conversion): number | null {
  const known = probes.flatMap(({ durationSeconds }, at) =>
    durationSeconds === null ? [] : [durationSeconds + (begins[at] ?? 0)],
  );
  return known.length === 0 ? null : Math.max(...known);
}
