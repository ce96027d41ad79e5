/** From the looked-at source to the files to upload: download, probe, plan again, convert, side files. */
import { rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { convert } from "./convert.ts";
import { ensureFreeDisk } from "./disk.ts";
import { downloadAll } from "./download.ts";
import { planSource } from "./extract.ts";
import { MediaFailure, sizeFailure } from "./failure.ts";
import { plainFormat } from "./ffmpeg/plain.ts";
import { type Probed, probe } from "./ffmpeg/probe.ts";
import { recordLive } from "./live/record.ts";
import { codecName, shortCodec } from "./plan/codecs.ts";
import { shorterSide } from "./plan/formats.ts";
import { planSteps, type StepInput, type StepPlan } from "./plan/steps.ts";
import type { MediaDeps, MediaEvents, MediaRequest, Produced, ProducedFile } from "./run-attempt.ts";
import { makeSideFiles } from "./side-files.ts";
import type { SourceInfo } from "./source.ts";

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
  await ensureFreeDisk(dir, plan.sizeEstimate);
  const context = { dir, signal, groups };

  events.onStep("download");
  const fetchAll = source.live === "now" ? recordLive : downloadAll;
  const downloaded = await fetchAll(request, plan.downloads, deps, events, signal);
  const probes = await Promise.all(downloaded.paths.map((path) => probe(deps.ffprobe, path, context)));
  const inputs = await Promise.all(probes.map((probed, at) => toInput(downloaded.paths[at] ?? "", probed)));
  const steps = planSteps(options, inputs);
  if (steps === null) throw new MediaFailure("unsupported", "The source has no media");

  const output = join(dir, `output.${options.format}`);
  const began = performance.now();
  const work =
    steps.kind === "move"
      ? await move(downloaded.paths, steps, output)
      : await convert({ request, steps, paths: downloaded.paths, probes, output, deps, events, signal });
  const worked = elapsed(began) - (work.waitedMilliseconds ?? 0);
  const { size } = await stat(output);
  if (request.maxFilesizeBytes !== null && size > request.maxFilesizeBytes) throw sizeFailure(request.maxFilesizeBytes);

  // A moved file is what was probed already.
  const final = steps.kind === "move" ? probes[work.input] : await probe(deps.ffprobe, output, context);
  const duration = final?.durationSeconds ?? null;
  const side = await makeSideFiles(plan.outputs, steps, work.clipStart, request, deps, signal);
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
      download_strategy: source.live === "now" ? "live" : source.extractor === "generic" ? "generic" : "native",
      cascade_total_attempts: 1,
      download_retries: downloaded.retries,
      native_video_codec: shortCodec(steps.video?.stream.codec ?? null),
      native_audio_codec: shortCodec(steps.audio?.stream.codec ?? null),
      actual_quality: quality(final),
    },
    effective: {
      ...steps.effective,
      actual_clip_start: steps.clip === null ? null : thousandths(work.clipStart),
      actual_clip_end: clipEnd(steps, work.clipStart, duration),
      duration_seconds: duration === null ? null : thousandths(duration),
    },
  };
}

/** What ffmpeg would be told to do is nothing: the file becomes the output under its new name. */
async function move(paths: readonly string[], steps: StepPlan, output: string) {
  const input = steps.video?.input ?? steps.audio?.input ?? 0;
  await rename(paths[input] ?? "", output);
  return { input, clipStart: 0, waitedMilliseconds: null };
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

/** By the length of what came out; the last frame's own length may reach past the end that was asked for. */
function clipEnd(steps: StepPlan, start: number, duration: number | null): number | null {
  if (steps.clip === null || duration === null) return null;
  return thousandths(Math.min(start + duration, steps.clip.end ?? Number.POSITIVE_INFINITY));
}

/** `1080p` by the shorter side, or `audio`. */
function quality(probed: Probed | undefined): string | null {
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
