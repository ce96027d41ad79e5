/** One look at a source: what the edge is told of it, and whether the job can be done at all. */
import { FAILURE_RULES } from "../../shared/contract/failures.ts";
import type { ExtractedInfo } from "../../shared/contract/media.ts";
import { MAX_DESCRIPTION_LENGTH, MAX_TITLE_LENGTH } from "../../shared/limits.ts";
import { MediaFailure, sizeFailure } from "./failure.ts";
import { recordable } from "./live/record.ts";
import { shortCodec } from "./plan/codecs.ts";
import { type MediaPlan, planMedia } from "./plan.ts";
import type { Found, MediaDeps, MediaRequest } from "./run-attempt.ts";
import type { SourceInfo } from "./source.ts";
import type { Extracted } from "./ytdlp/port.ts";

/** @throws MediaFailure */
export async function findSource(request: MediaRequest, deps: MediaDeps, signal: AbortSignal): Promise<Found> {
  const began = performance.now();
  let found = await look(request.url, request, deps, signal);
  const [entry, second] = found.kind === "list" ? found.entries : [];
  if (entry !== undefined && second === undefined && request.options.playlist !== "always") {
    // A feed with one episode, a page with one embed: the one item was meant. No deeper than this one step.
    found = await look(entry.url, request, deps, signal);
  }
  if (found.kind === "list") {
    if (found.entries.length === 0) throw new MediaFailure("unsupported", "Playlist has no downloadable items");
    if (request.options.playlist === "never") throw new MediaFailure("list", FAILURE_RULES.list.text);
    return { ...found, title: clip(found.title, MAX_TITLE_LENGTH) };
  }
  const plan = planSource(request, found.source);
  const picture = plan.expected.video === null ? null : plan.downloads[plan.expected.video.input];
  const expected = {
    width: integer(picture?.width),
    height: integer(picture?.height),
    native_video_codec: shortCodec(plan.expected.video?.stream.codec ?? null),
    native_audio_codec: shortCodec(plan.expected.audio?.stream.codec ?? null),
    size_estimate: plan.sizeEstimate,
    extract_duration_ms: Math.round(performance.now() - began),
  };
  return { kind: "single", source: found.source, info: toExtractedInfo(found.source, expected) };
}

function look(url: string, request: MediaRequest, deps: MediaDeps, signal: AbortSignal): Promise<Extracted> {
  const { dir, proxyUrl, groups, cookiesFile, options } = request;
  return deps.ytdlp.extract(
    { url, playlist: options.playlist, listLimit: options.playlist_limit },
    { dir, proxyUrl, signal, groups, cookiesFile },
  );
}

/** Everything that can be said against a job before its media are fetched. */
export function planSource(request: MediaRequest, source: SourceInfo): MediaPlan {
  const { options, maxDurationSeconds, maxFilesizeBytes } = request;
  ensureBegun(source);
  const live = source.live === "now";
  // What a stream says of its length so far says nothing of the recording, which ends at the limit by itself.
  const seconds = live ? null : source.durationSeconds;
  if (seconds !== null && (options.clip_start_seconds ?? 0) > 0 && (options.clip_start_seconds ?? 0) >= seconds) {
    throw new MediaFailure("clip");
  }
  ensureLength(clippedSeconds(options, seconds), maxDurationSeconds);
  const plan = planMedia(options, live ? recordable(source) : source);
  if ("problem" in plan) throw new MediaFailure("unsupported", plan.problem);
  const exact = plan.downloads.every((format) => format.size?.exact === true);
  if (maxFilesizeBytes !== null && exact && (plan.sizeEstimate ?? 0) > maxFilesizeBytes)
    throw sizeFailure(maxFilesizeBytes);
  return plan;
}

/** @throws MediaFailure `too_large` */
export function ensureLength(seconds: number, maxSeconds: number | null): void {
  if (maxSeconds !== null && seconds > maxSeconds)
    throw new MediaFailure("too_large", `Media is longer than the limit of ${maxSeconds} seconds`);
}

/** @throws MediaFailure `not_begun` */
export function ensureBegun(source: SourceInfo): void {
  if (source.live === "upcoming") throw MediaFailure.notBegun(startsIn(source));
}

/** Seconds until the announced start; null when none is announced, or it has passed. */
function startsIn(source: SourceInfo): number | null {
  const seconds = source.releaseDate === null ? 0 : (Date.parse(source.releaseDate) - Date.now()) / 1000;
  return seconds > 0 ? seconds : null;
}

/** What will be delivered, in seconds; 0 when unknown. */
function clippedSeconds(options: MediaRequest["options"], seconds: number | null): number {
  const start = options.clip_start_seconds ?? 0;
  const end = Math.min(options.clip_end_seconds ?? Number.POSITIVE_INFINITY, seconds ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(end) ? end - start : 0;
}

/** What is told of a source beside what it says itself: of the formats that will be fetched. */
export type Expected = Pick<
  ExtractedInfo,
  "width" | "height" | "native_video_codec" | "native_audio_codec" | "size_estimate" | "extract_duration_ms"
>;

export function toExtractedInfo(source: SourceInfo, expected: Expected): ExtractedInfo {
  return {
    extractor: source.extractor.slice(0, 100),
    source_id: clip(source.id, 500),
    title: clip(source.title, MAX_TITLE_LENGTH),
    description: clip(source.description, MAX_DESCRIPTION_LENGTH),
    release_date: source.releaseDate,
    uploader: clip(source.uploader, 200),
    thumbnail_url: source.thumbnailUrl !== null && source.thumbnailUrl.length <= 4_096 ? source.thumbnailUrl : null,
    duration_seconds: source.durationSeconds,
    is_live: source.live === "now",
    ...expected,
  };
}

export function integer(value: number | null | undefined): number | null {
  return value == null ? null : Math.round(value);
}

/** Cuts at a code point, never inside a surrogate pair. */
export function clip(text: string | null, max: number): string | null {
  if (text === null || text.length <= max) return text;
  return text.slice(0, max).replace(/[\ud800-\udbff]$/, "");
}
