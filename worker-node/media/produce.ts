/** From the looked-at source to the files to upload: download, probe, plan again, convert, side files. */
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { convert } from "./convert.ts";
import { ensureFreeDisk } from "./disk.ts";
import { type DownloadedAll, downloadAll } from "./download.ts";
import { embedMetadata } from "./embed/embed.ts";
import { planSource } from "./extract.ts";
import { MediaFailure, sizeFailure } from "./failure.ts";
import { plainFormat } from "./ffmpeg/plain.ts";
import { type Probed, probe } from "./ffmpeg/probe.ts";
import { seekable } from "./ffmpeg/seekable.ts";
import { recordLive } from "./live/record.ts";
import { fileBegins } from "./plan/clocks.ts";
import { codecName, shortCodec } from "./plan/codecs.ts";
import { shorterSide } from "./plan/formats.ts";
import { planClip, planSteps, type StepInput, type StepPlan } from "./plan/steps.ts";
import type { MediaDeps, MediaEvents, MediaRequest, Produced, ProducedFile } from "./run-attempt.ts";
import { makeSideFiles } from "./side-files.ts";
import type { SourceInfo } from "./source.ts";
import { makeThumbnail } from "./thumbnail.ts";

/** @throws MediaFailure and what the file system throws; `run-attempt.ts` classifies that. */
export async function produce(
  request: MediaRequest,
  source: SourceInfo,
  deps: MediaDeps,
  events: MediaEvents,
  signal: AbortSignal,
): Promise<Produced> {
  const { dir, options, groups } = request;
  const plan = planSource(request, source);
  // Of a clip's source it is not known yet how much is needed.
  await ensureFreeDisk(dir, planClip(options) === null ? plan.sizeEstimate : null);
  const context = { dir, signal, groups };

  events.onStep("download");
  const fetchAll = source.live === "now" ? recordLive : downloadAll;
  const downloaded = await fetchAll(request, plan.downloads, deps, events, signal);
  const { paths, probes, begins, zeros } = await openFiles(downloaded, request, deps, signal);
  const inputs = await Promise.all(probes.map((probed, at) => toInput(paths[at] ?? "", probed)));
  const steps = planSteps(options, inputs);
  if (steps === null) throw new MediaFailure("unsupported", "The source has no media");

  const output = join(dir, `output.${options.format}`);
  const began = performance.now();
  const work =
    steps.kind === "move"
      ? await move(paths, steps, output)
      : await convert({ request, steps, paths, probes, begins, output, deps, events, signal });
  const worked = elapsed(began) - (work.waitedMilliseconds ?? 0);
  // A moved file is what was probed already.
  const final = steps.kind === "move" ? probes[work.input] : await probe(deps.ffprobe, output, context);
  const duration = final?.durationSeconds ?? null;
  const clip = steps.clip === null ? null : { start: work.clipStart, end: steps.clip.end };
  const startSeconds = zeros[steps.video?.input ?? steps.audio?.input ?? 0] ?? 0;
  const side = await makeSideFiles(plan.outputs, { clip, startSeconds }, request, deps, signal);
  if (options.embed_metadata) {
    const cover = () => coverOf(side.files, request, source, deps, signal);
    const file = { path: output, format: options.format, source, clip, duration, hasVideo: steps.video !== null };
    await embedMetadata({ ...file, cover }, request, deps, signal);
  }
  const { size } = await stat(output);
  if (request.maxFilesizeBytes !== null && size > request.maxFilesizeBytes) throw sizeFailure(request.maxFilesizeBytes);
  const media: ProducedFile = { kind: "media", path: output, language: null, size };
  return {
    files: [media, ...side.files],
    telemetry: {
      precheck_duration_ms: null,
      extract_duration_ms: null,
      download_duration_ms: downloaded.milliseconds,
      subtitle_duration_ms: side.subtitleMilliseconds,
      mux_duration_ms: steps.kind === "move" ? null : worked,
      file_move_ms: steps.kind === "move" ? worked : null,
      io_wait_ms: null,
      cpu_wait_ms: work.waitedMilliseconds,
      download_speed_mbps: downloaded.megabytesPerSecond,
      download_strategy: source.live === "now" ? "live" : strategy(downloaded.direct, source),
      cascade_total_attempts: downloaded.ways,
      download_retries: downloaded.retries,
      native_video_codec: shortCodec(steps.video?.stream.codec ?? null),
      native_audio_codec: shortCodec(steps.audio?.stream.codec ?? null),
      actual_quality: quality(final),
    },
    effective: {
      ...steps.effective,
      actual_clip_start: steps.clip === null ? null : thousandths(work.clipStart),
      actual_clip_end: steps.clip === null ? null : clipEnd(work.clipStart, work.clipEnd, duration),
      duration_seconds: duration === null ? null : thousandths(duration),
    },
  };
}

/** The thumbnail that is delivered beside the file, or one fetched for this alone. */
async function coverOf(
  made: readonly ProducedFile[],
  request: MediaRequest,
  source: SourceInfo,
  deps: MediaDeps,
  signal: AbortSignal,
): Promise<string | null> {
  const thumbnail = made.find((file) => file.kind === "thumbnail");
  if (thumbnail !== undefined) return thumbnail.path;
  if (source.thumbnailUrl === null) return null;
  return (await makeThumbnail(source.thumbnailUrl, "cover", request, deps, signal))?.path ?? null;
}

/** The files as ffmpeg will read them: for a clip they can be sought in, and it is known how their clocks go together. */
async function openFiles(downloaded: DownloadedAll, request: MediaRequest, deps: MediaDeps, signal: AbortSignal) {
  const { dir, options, groups } = request;
  const context = { dir, signal, groups };
  const look = (files: readonly string[]) => Promise.all(files.map((path) => probe(deps.ffprobe, path, context)));
  const first = await look(downloaded.paths);
  // Of the files as they came: what is written again below begins at 0.
  const zeros = first.map(({ startSeconds }, at) => downloaded.zeros[at] ?? startSeconds);
  const shared = fileBegins(zeros);
  const begins = first.map(({ startSeconds }, at) => (shared[at] ?? 0) + startSeconds - (zeros[at] ?? 0));
  if (planClip(options) === null) return { paths: downloaded.paths, probes: first, begins, zeros };
  const paths = [];
  for (const [at, probed] of first.entries())
    paths.push(await seekable(deps.ffmpeg, downloaded.paths[at] ?? "", probed, context));
  const same = paths.every((path, at) => path === downloaded.paths[at]);
  return { paths, probes: same ? first : await look(paths), begins, zeros };
}

function strategy(direct: boolean, source: SourceInfo): "direct" | "generic" | "native" {
  if (direct) return "direct";
  return source.extractor === "generic" ? "generic" : "native";
}

/** What ffmpeg would be told to do is nothing: the file becomes the output under its new name. */
async function move(paths: readonly string[], steps: StepPlan, output: string) {
  const input = steps.video?.input ?? steps.audio?.input ?? 0;
  await rename(paths[input] ?? "", output);
  return { input, clipStart: 0, clipEnd: null, waitedMilliseconds: null };
}

async function toInput(path: string, probed: Probed): Promise<StepInput> {
  const video = probed.streams.find((stream) => stream.kind === "video");
  const audio = probed.streams.find((stream) => stream.kind === "audio");
  return {
    video: video === undefined ? null : { ...video, codec: codecName(video.codec) },
    audio: audio === undefined ? null : { ...audio, codec: codecName(audio.codec) },
    plain: await plainFormat(path, probed),
  };
}

/** By the length of what came out; the last frame's own length may reach past the end. */
function clipEnd(start: number, end: number | null, duration: number | null): number | null {
  return duration === null ? null : thousandths(Math.min(start + duration, end ?? Number.POSITIVE_INFINITY));
}

/** `1080p` by the shorter side, or `audio`. */
export function quality(probed: Probed | undefined): string | null {
  const video = probed?.streams.find((stream) => stream.kind === "video");
  if (video === undefined) return probed === undefined ? null : "audio";
  const side = shorterSide(video);
  return side === null ? null : `${side}p`;
}

function elapsed(since: number): number {
  return Math.round(performance.now() - since);
}

function thousandths(seconds: number): number {
  return Math.max(0, Math.round(seconds * 1000) / 1000);
}
