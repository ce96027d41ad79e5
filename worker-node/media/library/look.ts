/** One look at a source by a user's own options: what yt-dlp will fetch, or a list's entries as those options leave them. */
import { z } from "zod";
import type { LibraryRun } from "../../../shared/contract/options.ts";
import { MAX_TITLE_LENGTH } from "../../../shared/limits.ts";
import type { RunResult } from "../../process/run.ts";
import { clip, type Expected, ensureBegun, ensureLength, integer, toExtractedInfo } from "../extract.ts";
import { MediaFailure, sizeFailure } from "../failure.ts";
import { shortCodec } from "../plan/codecs.ts";
import type { Found, MediaDeps, MediaRequest } from "../run-attempt.ts";
import { type SourceFormat, type SourceInfo, toSourceInfo } from "../source.ts";
import { EXTRACT_TIMEOUT_MS, MAX_INFO_BYTES, parseJson } from "../ytdlp/command-line.ts";
import { isList, toEntries } from "../ytdlp/entries.ts";
import { saveInfo } from "../ytdlp/request-info.ts";
import { lookArguments } from "./arguments.ts";
import { ensureContent, HAD_ENOUGH } from "./exit.ts";
import { refusedOption } from "./refused.ts";
import { type Requested, requestedOf } from "./requested.ts";

/** What no HTTP proxy carries, and what would so go past the egress guard. */
const UNGUARDED = /^(?:rtmp|rtsp|mms|s?ftp)/;

/** @throws MediaFailure */
export async function findByOptions(
  request: MediaRequest,
  library: LibraryRun,
  deps: MediaDeps,
  signal: AbortSignal,
): Promise<Found> {
  const began = performance.now();
  const refused = refusedOption(library.args);
  if (refused !== null) throw new MediaFailure("unsupported", `Option '${refused}' is not allowed.`);
  const { options } = request;
  const limit = Math.min(options.playlist_limit, maxDownloads(library.args));
  let raw = await look(request.url, limit, request, library, deps, signal);
  let entries = entriesOf(raw);
  const [only, second] = entries ?? [];
  if (only !== undefined && second === undefined && options.playlist !== "always") {
    // As with our own media plan: a page with one embed, a feed with one episode.
    raw = await look(only.url, limit, request, library, deps, signal);
    entries = entriesOf(raw);
  }
  if (entries !== null) {
    if (entries.length === 0) throw new MediaFailure("unsupported", "Playlist has no downloadable items");
    const title = typeof raw.title === "string" ? clip(raw.title, MAX_TITLE_LENGTH) : null;
    return { kind: "list", title, entries: entries.slice(0, limit), truncated: entries.length > limit };
  }
  await saveInfo(request.dir, JSON.stringify({ ...raw, ...listFields(library) }));
  const source = toSourceInfo(raw);
  ensureBegun(source);
  if (!hasMedia(raw)) throw new MediaFailure("unsupported", "No video formats found!");
  const requested = requestedOf(raw, source);
  if (requested.some(({ formats }) => formats.some(({ protocol }) => UNGUARDED.test(protocol))))
    throw new MediaFailure("unsupported", "The source is sent by a protocol that is not supported");
  ensureLimits(requested, source, request);
  const milliseconds = Math.round(performance.now() - began);
  return { kind: "single", source, info: toExtractedInfo(source, expectedOf(requested, milliseconds)) };
}

const LIST_FIELD = /^(?:playlist(?:_[a-z_]+)?|n_entries)$/;

type Raw = Record<string, unknown>;

async function look(
  url: string,
  limit: number,
  request: MediaRequest,
  library: LibraryRun,
  deps: MediaDeps,
  signal: AbortSignal,
): Promise<Raw> {
  const { dir, proxyUrl, groups, cookiesFile } = request;
  const { args } = library;
  const [ffmpeg = ""] = deps.ffmpeg.command;
  const run = (each: boolean): Promise<RunResult> =>
    deps.ytdlp.run(
      (options) => lookArguments({ ...options, args, ffmpeg }, { url, entries: limit + 1, each }),
      { dir, proxyUrl, signal, groups, cookiesFile },
      { captureBytes: MAX_INFO_BYTES, timeoutMs: EXTRACT_TIMEOUT_MS },
    );
  const whole = await run(false);
  const cut = whole.code === HAD_ENOUGH && whole.stdout.trim() === "";
  const result = cut ? await run(true) : whole;
  if (result.overflow) throw new MediaFailure("unsupported", "The page describes too many items");
  ensureContent(result, "extract", signal);
  if (!cut) return parseJson(result.stdout);
  const entries = result.stdout.split("\n").flatMap((line) => (line.trim() === "" ? [] : [parseJson(line)]));
  return { _type: "playlist", title: entries[0]?.playlist_title, entries };
}

function entriesOf(raw: Raw) {
  return isList(raw) ? toEntries(raw.entries) : null;
}

/** Of all that a template may name, only what yt-dlp itself would know of an entry that it opened in its list. */
function listFields({ fields = {} }: LibraryRun): Raw {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => LIST_FIELD.test(name)));
}

/** With `--ignore-no-formats-error` a page without any is no error to yt-dlp. */
function hasMedia(raw: Raw): boolean {
  return typeof raw.url === "string" || (Array.isArray(raw.formats) && raw.formats.length > 0);
}

/** What a user's `--max-downloads` leaves of a list; of several the last one counts. */
function maxDownloads(args: readonly string[]): number {
  const values = args.flatMap((word, at) => {
    const [, name, value] = /^(--max-d[a-z-]*)(?:=(.*))?$/.exec(word) ?? [];
    return name === undefined ? [] : [value ?? args[at + 1]];
  });
  const count = z.coerce.number().int().positive().safeParse(values.at(-1));
  return count.success ? count.data : Number.POSITIVE_INFINITY;
}

/** Everything that can be said against it before its media are fetched. */
function ensureLimits(requested: readonly Requested[], source: SourceInfo, request: MediaRequest): void {
  // A recording ends at its limits by itself.
  if (source.live === "now") return;
  const { maxDurationSeconds, maxFilesizeBytes } = request;
  for (const { seconds, formats, section } of requested) {
    ensureLength(seconds ?? source.durationSeconds ?? 0, maxDurationSeconds);
    const exact = formats.every(({ size }) => size?.exact === true);
    if (maxFilesizeBytes !== null && !section && exact && (sizeOf(formats) ?? 0) > maxFilesizeBytes)
      throw sizeFailure(maxFilesizeBytes);
  }
}

function expectedOf([first]: readonly Requested[], milliseconds: number): Expected {
  const formats = first?.formats ?? [];
  const picture = formats.find(({ vcodec }) => vcodec !== "none");
  const sound = formats.find(({ acodec }) => acodec !== "none");
  return {
    width: integer(picture?.width),
    height: integer(picture?.height),
    native_video_codec: shortCodec(picture?.vcodec ?? null),
    native_audio_codec: shortCodec(sound?.acodec ?? null),
    size_estimate: first?.section === true ? null : sizeOf(formats),
    extract_duration_ms: milliseconds,
  };
}

/** Null when one of them is unknown. */
function sizeOf(formats: readonly SourceFormat[]): number | null {
  let bytes = 0;
  for (const { size } of formats) {
    if (size === null) return null;
    bytes += size.bytes;
  }
  return formats.length === 0 ? null : bytes;
}
