/** The one ffmpeg run of an attempt: mux, cut, re-encode. */
import { MediaFailure, sizeFailure } from "./failure.ts";
import { keyframeBefore } from "./ffmpeg/keyframe.ts";
import type { Probed } from "./ffmpeg/probe.ts";
import { runFfmpeg } from "./ffmpeg/run.ts";
import { stepArguments } from "./plan/arguments.ts";
import type { StepPlan } from "./plan/steps.ts";
import type { MediaDeps, MediaEvents, MediaRequest } from "./run-attempt.ts";

export interface Conversion {
  request: MediaRequest;
  steps: StepPlan;
  /** The downloaded files and what is in them, in the order of the plan's inputs. */
  paths: readonly string[];
  probes: readonly Probed[];
  output: string;
  deps: MediaDeps;
  events: MediaEvents;
  signal: AbortSignal;
}

export interface Converted {
  input: number;
  /** Where the output really begins in the source, seconds. */
  clipStart: number;
  /** Waiting for a transcode slot; null where none was needed. */
  waitedMilliseconds: number | null;
}

/** @throws MediaFailure `clip` when the clip begins behind the end of the media. */
export async function convert(conversion: Conversion): Promise<Converted> {
  const { request, steps, paths, output, deps, events, signal } = conversion;
  const { dir, groups, maxFilesizeBytes: maxBytes } = request;
  const total = longest(conversion.probes);
  if (steps.clip !== null && total !== null && steps.clip.start > 0 && steps.clip.start >= total)
    throw new MediaFailure("clip");
  const slot = await transcodeSlot(conversion);
  try {
    events.onStep("mux");
    const start = await seekPoint(conversion);
    const end = Math.min(steps.clip?.end ?? Number.POSITIVE_INFINITY, total ?? Number.POSITIVE_INFINITY);
    const expectedSeconds = Number.isFinite(end) ? Math.max(0, end - start) : null;
    const args = stepArguments(steps, { inputs: paths, output }, start);
    const began = performance.now();
    await runFfmpeg(deps.ffmpeg, args, {
      dir,
      signal,
      groups,
      maxBytes,
      expectedSeconds,
      onFraction: (fraction) => events.onProgress(muxProgress(fraction, performance.now() - began)),
    }).catch((error: unknown) => {
      if (error instanceof MediaFailure && error.class === "too_large") throw sizeFailure(maxBytes);
      throw error;
    });
    return { input: 0, clipStart: start, waitedMilliseconds: slot.waited };
  } finally {
    slot.release();
  }
}

/** Re-encoding cuts at the very frame; a copied picture can only begin at a keyframe. */
async function seekPoint({ request, steps, paths, probes, deps, signal }: Conversion): Promise<number> {
  const start = steps.clip?.start ?? 0;
  if (start === 0 || steps.video?.mode !== "copy") return start;
  const { input } = steps.video;
  const context = { dir: request.dir, signal, groups: request.groups };
  return keyframeBefore(deps.ffprobe, paths[input] ?? "", start, probes[input]?.startSeconds ?? 0, context);
}

/** Copying packets needs no slot: it waits for the disk, not for the processor. */
async function transcodeSlot({
  steps,
  deps,
  signal,
}: Conversion): Promise<{ waited: number | null; release: () => void }> {
  if (steps.kind !== "transcode") return { waited: null, release: () => {} };
  const began = performance.now();
  const release = (await deps.transcodeSlot?.(signal)) ?? (() => {});
  return { waited: Math.round(performance.now() - began), release };
}

function muxProgress(fraction: number | null, milliseconds: number) {
  // Too early to tell from the first moments, when the encoder fills its look-ahead.
  const eta = fraction !== null && fraction > 0.01 ? Math.round((milliseconds / fraction - milliseconds) / 1000) : null;
  return { fraction, bytes: null, total_bytes: null, speed_bytes_per_second: null, eta_seconds: eta };
}

function longest(probes: readonly Probed[]): number | null {
  const known = probes.map((one) => one.durationSeconds).filter((one) => one !== null);
  return known.length === 0 ? null : Math.max(...known);
}
