/** Where a clip is really cut (jobs API 11.5): looks at the packets around its two ends, and decides before anything is run. */
import { MediaFailure } from "./failure.ts";
import { listPackets } from "./ffmpeg/packets.ts";
import type { Probed, ProbedStream } from "./ffmpeg/probe.ts";
import { type Bounds, type CopiedPart, keyframeCut, type Packet, type SmartCut, smartCut } from "./plan/cut.ts";
import type { StepPlan } from "./plan/steps.ts";
import type { MediaDeps, MediaRequest } from "./run-attempt.ts";
import { type CutSource, canBeContinued } from "./smart-cut.ts";

/** Longer than the distance of keyframes in nearly all media; where it is not, more is read, and then all. */
const WINDOWS_SECONDS = [15, 120];
/** Enough to see which packets near the end are decoded late, and to begin before a keyframe. */
const MARGIN_SECONDS = 2;
/** Half of the smallest step of a container that counts in milliseconds. */
const TOLERANCE_SECONDS = 0.0005;
/** Near enough to the source that the joint is not seen. */
const ALL_CRF = 18;

export interface ClipSource {
  request: MediaRequest;
  deps: MediaDeps;
  signal: AbortSignal;
  steps: StepPlan;
  paths: readonly string[];
  probes: readonly Probed[];
  /** When each file begins, seconds since the media begin. */
  begins: readonly number[];
}

export interface ClipCut {
  steps: StepPlan;
  /** Where the output begins, seconds since the media begin. */
  start: number;
  /** Where it ends, if the media reach so far; null for their end. */
  end: number | null;
  /** Decoding time at which a copied picture ends, seconds since `start`. */
  copyUntil: number | null;
  /** What has to be put together first; without it one run of ffmpeg does all. */
  smart: { source: CutSource; cut: Extract<SmartCut, { kind: "join" }> } | null;
}

/**
 * @param exact False: no smart cut, because it could not be done safely.
 * @throws MediaFailure `clip` when there is nothing at or after the start.
 */
export async function findCut(source: ClipSource, exact = true): Promise<ClipCut> {
  const { steps, probes } = source;
  const whole = { steps, start: steps.clip?.start ?? 0, end: steps.clip?.end ?? null, copyUntil: null, smart: null };
  const step = steps.video ?? steps.audio;
  if (steps.clip === null || step === null || step.mode === "encode") return whole;
  const probed = probes[step.input];
  const stream = probed?.streams.find(({ index }) => index === step.stream.index);
  if (probed === undefined || stream === undefined || stream.ticks === null) return whole;
  const at = clockOf(source, step.input, stream, stream.ticks);
  return steps.video === null ? cutSound(source, whole, at) : cutPicture(source, whole, at, exact);
}

/** Translates between the clock of a stream and seconds since the media begin. */
interface Clock extends CutSource {
  input: number;
  toTicks(seconds: number): number;
  toSeconds(ticks: number): number;
}

function clockOf(source: ClipSource, input: number, stream: ProbedStream, ticks: number): Clock {
  const begins = source.begins[input] ?? 0;
  const startSeconds = source.probes[input]?.startSeconds ?? 0;
  return {
    input,
    path: source.paths[input] ?? "",
    stream,
    ticks,
    startSeconds,
    toTicks: (seconds) => (seconds - begins + startSeconds) * ticks,
    toSeconds: (at) => at / ticks - startSeconds + begins,
  };
}

async function cutSound(source: ClipSource, whole: ClipCut, clock: Clock): Promise<ClipCut> {
  const start = clock.toTicks(whole.start);
  const packets = await packetsFrom(source, clock, whole.start, whole.start + MARGIN_SECONDS);
  const first = packets.find(({ pts }) => pts >= start - TOLERANCE_SECONDS * clock.ticks);
  // A sound whose times cannot be read is cut as near as ffmpeg gets.
  return first === undefined ? whole : { ...whole, start: Math.max(whole.start, clock.toSeconds(first.pts)) };
}

async function cutPicture(source: ClipSource, uncut: ClipCut, clock: Clock, exact: boolean): Promise<ClipCut> {
  const { start, end } = uncut;
  const bounds: Bounds = {
    start: clock.toTicks(start),
    end: end === null ? null : clock.toTicks(end),
    tolerance: TOLERANCE_SECONDS * clock.ticks,
  };
  const atEnd = end === null ? [] : await packetsFrom(source, clock, end - MARGIN_SECONDS, end + MARGIN_SECONDS);
  const atStart = await packetsAtStart(source, clock, uncut);
  const cut = exact && canBeContinued(clock.stream) ? smartCut(atStart, atEnd, bounds) : null;
  const { video } = source.steps;
  if (cut?.kind === "all" && video !== null) {
    const { input, stream } = video;
    const encoded = { mode: "encode", input, stream, codec: "h264", crf: ALL_CRF, side: null } as const;
    return { ...uncut, steps: { ...source.steps, kind: "transcode", video: encoded } };
  }
  if (cut?.kind === "join") {
    const whole = cut.head === null && cut.tail === null;
    return whole ? copied(uncut, cut.middle, clock) : { ...uncut, smart: { source: clock, cut } };
  }
  const fallback = keyframeCut(atStart, atEnd, bounds);
  if (fallback === null) throw new MediaFailure("clip");
  const moved = {
    ...uncut,
    start: Math.max(0, Math.min(start, clock.toSeconds(fallback.key.pts))),
    end: fallback.end === null ? null : Math.max(end ?? 0, clock.toSeconds(fallback.end)),
  };
  return copied(moved, fallback, clock);
}

function copied(cut: ClipCut, { untilDts }: CopiedPart, clock: Clock): ClipCut {
  return { ...cut, copyUntil: untilDts === null ? null : clock.toSeconds(untilDts) - cut.start };
}

/** From a keyframe at or before the start to the first one after it, as far as there are such. */
async function packetsAtStart(source: ClipSource, clock: Clock, { start, end }: ClipCut): Promise<Packet[]> {
  const from = clock.toTicks(start + TOLERANCE_SECONDS);
  const last = (end ?? Number.POSITIVE_INFINITY) + MARGIN_SECONDS;
  let packets: Packet[] = [];
  // A seek goes by decoding times: what it finds may be shown after the start. Then it goes further back.
  for (const back of [MARGIN_SECONDS, ...WINDOWS_SECONDS]) {
    for (const window of [...WINDOWS_SECONDS, Number.POSITIVE_INFINITY]) {
      const to = Math.min(start + window, last);
      packets = await packetsFrom(source, clock, start - back, Number.isFinite(to) ? to : null);
      if (to === last || packets.some(({ key, pts }) => key && pts > from)) break;
    }
    if (start <= back || packets.some(({ key, pts }) => key && pts <= from)) break;
  }
  return packets;
}

function packetsFrom(source: ClipSource, clock: Clock, from: number, to: number | null): Promise<Packet[]> {
  const { request, deps, signal } = source;
  const own = (seconds: number) => clock.toTicks(seconds) / clock.ticks;
  const window = { stream: clock.stream.index, from: own(from), to: to === null ? null : own(to) };
  return listPackets(deps.ffprobe, clock.path, window, { dir: request.dir, signal, groups: request.groups });
}
