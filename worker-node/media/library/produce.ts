/** yt-dlp run by a user's own options, from the look that is in the folder to the files that are to be delivered. */
import { join } from "node:path";
import type { LibraryRun } from "../../../shared/contract/options.ts";
import { killMarked } from "../../process/group.ts";
import { ensureFreeDisk } from "../disk.ts";
import { abortFailure, MediaFailure, sizeFailure } from "../failure.ts";
import { type Probed, probe } from "../ffmpeg/probe.ts";
import { codecName, shortCodec } from "../plan/codecs.ts";
import { quality } from "../produce.ts";
import type { MediaDeps, MediaEvents, MediaRequest, MediaTelemetry, Produced, ProducedFile } from "../run-attempt.ts";
import type { SourceInfo } from "../source.ts";
import { INFO_FILE, loadInfo } from "../ytdlp/request-info.ts";
import { runArguments } from "./arguments.ts";
import { ensureContent } from "./exit.ts";
import { RunFollower, UNKNOWN } from "./follow.ts";
import { putIndexFirst } from "./index-first.ts";
import { type Folders, type Output, takeOutputs } from "./outputs.ts";
import { Recording, recordingLimit } from "./recording.ts";
import { canBeKept, type Requested, requestedOf } from "./requested.ts";
import { insideTemplate, nest } from "./template.ts";
import { watchSizes } from "./watch.ts";

/** What our own ffmpeg does is called so (library API 3.3). */
const OWN_WORK = "FFmpeg";

/** @throws MediaFailure and what the file system throws; `run-attempt.ts` classifies that. */
export async function produceByOptions(
  request: MediaRequest,
  library: LibraryRun,
  source: SourceInfo,
  deps: MediaDeps,
  events: MediaEvents,
  signal: AbortSignal,
): Promise<Produced> {
  const { dir, groups, maxFilesizeBytes } = request;
  const raw = await loadInfo(dir);
  const requested = requestedOf(raw, source);
  await ensureFreeDisk(dir, expectedBytes(requested));
  events.onStep("download");
  const began = performance.now();
  const follower = new RunFollower(requested, events);
  const place = placeOf(dir, library);
  await run(request, library, { place, follower, source, infoFile: canBeKept(raw) ? INFO_FILE : null }, deps, signal);
  const ended = performance.now();
  // From here on nothing of the run may be at its files: they are taken by name.
  await killMarked(dir);
  const { files, leftOut } = await takeOutputs(dir, place, follower.files);
  if (leftOut > 0) events.onNote?.("library.files_left_out", { count: leftOut });
  const [media] = files;
  if (media?.kind !== "media") throw nothingMade(follower);
  const context = { dir, signal, groups };
  const indexed: ProducedFile[] = [];
  for (const file of files) indexed.push(await finish(file, deps, events, context));
  const largest = Math.max(...indexed.map(({ size }) => size));
  if (maxFilesizeBytes !== null && largest > maxFilesizeBytes) throw sizeFailure(maxFilesizeBytes);
  const probed = await probe(deps.ffprobe, media.path, context).catch((error: unknown) => {
    // Not all that yt-dlp fetches is a film or a sound; what it is nobody asked us.
    if (error instanceof MediaFailure && error.class === "media") return null;
    throw error;
  });
  const downloadedAt = follower.downloadedAt ?? ended;
  return {
    files: indexed,
    telemetry: telemetryOf({ began, downloadedAt, ended, follower, source, probed }),
    effective: {
      video_codec: codecOf(probed, "video"),
      audio_codec: codecOf(probed, "audio"),
      actual_clip_start: null,
      actual_clip_end: null,
      duration_seconds: probed?.durationSeconds == null ? null : Math.round(probed.durationSeconds * 1000) / 1000,
    },
  };
}

interface Place extends Folders {
  home: string;
  temp: string;
  template: string;
  chapterTemplate: string;
}

function placeOf(dir: string, library: LibraryRun): Place {
  const template = insideTemplate(library.template);
  const chapter = insideTemplate(library.template_chapter);
  const folders = Math.max(template.folders, chapter.folders);
  const [out, unfinished] = [join(dir, "out"), join(dir, "tmp")];
  return {
    ...{ out, unfinished, folders },
    home: nest(out, folders),
    temp: nest(unfinished, folders),
    template: template.text,
    chapterTemplate: chapter.text,
  };
}

/** One run of yt-dlp, within the limits of the account. */
async function run(
  request: MediaRequest,
  library: LibraryRun,
  {
    place,
    follower,
    source,
    infoFile,
  }: { place: Place; follower: RunFollower; source: SourceInfo; infoFile: string | null },
  deps: MediaDeps,
  signal: AbortSignal,
): Promise<void> {
  const { dir, url, proxyUrl, groups, cookiesFile, maxFilesizeBytes } = request;
  const tooLarge = new AbortController();
  const recording = source.live === "now" ? new Recording(request, follower) : null;
  // A recording is not lost for its size: it ends in time.
  const [limit, onTooLarge] =
    recording === null || maxFilesizeBytes === null
      ? [maxFilesizeBytes, () => tooLarge.abort()]
      : [recordingLimit(maxFilesizeBytes), () => recording.end()];
  const unwatch = watchSizes([place.out, place.unfinished], limit, onTooLarge);
  const [ffmpeg = ""] = deps.ffmpeg.command;
  const paths = { home: place.home, temp: place.temp };
  const files = { ...paths, template: place.template, chapterTemplate: place.chapterTemplate, infoFile, url };
  try {
    const result = await deps.ytdlp.run(
      (own) => runArguments({ ...own, args: library.args, ffmpeg }, files),
      { dir, proxyUrl, signal, groups, cookiesFile },
      {
        signal: AbortSignal.any([signal, tooLarge.signal]),
        ...(recording === null ? {} : { interrupt: recording.interrupt }),
        // ffmpeg runs under it, for conversions too.
        memoryBytes: Number.POSITIVE_INFINITY,
        onStdout: (line) => follower.stdout(line),
        onStderr: (line) => follower.said(line),
      },
    );
    if (signal.aborted) throw abortFailure(signal);
    if (tooLarge.signal.aborted) throw sizeFailure(maxFilesizeBytes);
    ensureContent(result, "download", signal);
  } finally {
    recording?.close();
    unwatch();
  }
}

/** yt-dlp was content and delivered nothing: an option of the user's kept it from that. */
function nothingMade({ notWanted }: RunFollower): MediaFailure {
  return notWanted === null
    ? new MediaFailure("network", "The source sent an empty file")
    : new MediaFailure("unsupported", notWanted);
}

async function finish(
  file: Output,
  deps: MediaDeps,
  events: MediaEvents,
  context: { dir: string; signal: AbortSignal; groups: MediaRequest["groups"] },
): Promise<ProducedFile> {
  const { kind, path, language, name } = file;
  if (kind !== "media" && kind !== "other") return { kind, path, language, name, size: file.size };
  const onWork = () => {
    events.onStep("mux");
    events.onProgress({ ...UNKNOWN, postprocessor: OWN_WORK });
  };
  return { kind, path, language, name, size: await putIndexFirst(deps.ffmpeg, path, context, onWork) };
}

/** Null when nobody can tell. */
function expectedBytes(requested: readonly Requested[]): number | null {
  let bytes = 0;
  for (const { section, formats } of requested) {
    if (section) return null;
    for (const { size } of formats) {
      if (size === null) return null;
      bytes += size.bytes;
    }
  }
  return bytes;
}

function telemetryOf(run: {
  began: number;
  downloadedAt: number;
  ended: number;
  follower: RunFollower;
  source: SourceInfo;
  probed: Probed | null;
}): MediaTelemetry {
  const { began, downloadedAt, ended, follower, source, probed } = run;
  const milliseconds = Math.round(downloadedAt - began);
  return {
    precheck_duration_ms: null,
    extract_duration_ms: null,
    download_duration_ms: milliseconds,
    subtitle_duration_ms: null,
    mux_duration_ms: Math.round(ended - downloadedAt),
    file_move_ms: null,
    io_wait_ms: null,
    cpu_wait_ms: null,
    download_speed_mbps: milliseconds === 0 ? null : Math.round(follower.bytes / milliseconds / 100) / 10,
    download_strategy: source.live === "now" ? "live" : source.extractor === "generic" ? "generic" : "native",
    cascade_total_attempts: 1,
    download_retries: follower.retries,
    native_video_codec: shortCodec(codecOf(probed, "video")),
    native_audio_codec: shortCodec(codecOf(probed, "audio")),
    actual_quality: quality(probed ?? undefined),
  };
}

function codecOf(probed: Probed | null, kind: "video" | "audio"): string | null {
  return codecName(probed?.streams.find((stream) => stream.kind === kind)?.codec.slice(0, 20) ?? null);
}
