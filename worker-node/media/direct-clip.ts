/**
 * Of a source that is one MP4, M4A or MOV only the part that a clip needs is fetched: its index, wherever that lies, and the
 * samples around the clip, which become a small file of their own with the time stamps of the whole; of an MP4 in fragments
 * with a list in front, and of WebM and Matroska with a list of places, the pieces of the clip. What is odd in any way is
 * left to the fetch of the whole.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { FetchError, StartOver } from "../fetch/fetch-error.ts";
import { writeNewFile } from "../fetch/new-file.ts";
import { PartialFile } from "../fetch/partial-file.ts";
import type { ByteRange } from "../fetch/ranges.ts";
import type { DirectContext } from "./direct.ts";
import { directSource } from "./direct-source.ts";
import { ensureFreeDisk } from "./disk.ts";
import { abortFailure, MediaFailure } from "./failure.ts";
import { probe } from "./ffmpeg/probe.ts";
import { readFragmentList } from "./mp4/fragment-list.ts";
import { type Located, locateFragments, locateMovie } from "./mp4/locate.ts";
import { isInFragments, readMovie } from "./mp4/movie.ts";
import { sliceMovie } from "./mp4/slice.ts";
import { ByteWindow, LOOK_BYTES } from "./mp4/window.ts";
import { writeSlice } from "./mp4/write-slice.ts";
import { chooseSegments, type Range } from "./plan/segments.ts";
import type { MediaDeps } from "./run-attempt.ts";
import { type Clip, covers, type Section } from "./section.ts";
import type { SourceFormat } from "./source.ts";
import { isMatroska, locateClusters } from "./webm/clusters.ts";
import type { DownloadRequest, YtDlpContext } from "./ytdlp/port.ts";

/** Names under which these files come; a look at another one would be for nothing. */
const EXTENSIONS = new Set([
  "mp4",
  "m4a",
  "m4v",
  "m4b",
  "mov",
  "qt",
  "3gp",
  "3g2",
  "f4v",
  "webm",
  "mkv",
  "mka",
  "weba",
]);
/** A smaller file is there sooner than the questions are answered. */
const MIN_FILE_BYTES = 4 * 1024 * 1024;
/** A larger part than this is not worth the trouble. */
const MAX_PART = 0.6;
/** The clocks of two files of one recording are up to so far apart (`plan/clocks.ts`). */
const APART_SECONDS = 2;
/** As far back as `clip.ts` looks for a key frame of the picture: a sound that comes apart is needed from there. */
const APART_SOUND_SECONDS = 120;

/** The same of pieces, each of which begins with a key frame, or has one: they are a few seconds long. */
const APART_PIECES_SECONDS = 10;

/** Less than half a frame, more than a rounding. */
const SAME_TIME_SECONDS = 0.002;

export interface ClipOfFile extends Clip {
  /** No picture is asked for. */
  soundOnly: boolean;
  /** Picture and sound come in two files. */
  apart: boolean;
}

/**
 * @returns null where the whole has to be fetched.
 * @throws MediaFailure
 */
export async function downloadClip(
  format: SourceFormat,
  clip: ClipOfFile,
  request: DownloadRequest,
  deps: Pick<MediaDeps, "ffprobe">,
  context: DirectContext & Pick<YtDlpContext, "groups">,
): Promise<Section | null> {
  if (!EXTENSIONS.has(format.ext ?? "")) return null;
  const { dir, way, signal, tuning } = context;
  const source = await directSource(dir, request.formatId, context.cookieFile);
  if (source === null) return null;
  const file = new PartialFile(way, { ...source, onProgress: request.onProgress, signal }, tuning);
  try {
    return await fetchPart({ file, clip, request, deps, context });
  } catch (error) {
    if (signal.aborted) throw abortFailure(signal);
    const unfit = error instanceof MediaFailure && error.class === "media";
    if (!unfit && !(error instanceof FetchError) && !(error instanceof StartOver)) throw error;
    for (const name of [request.fileName, `${request.fileName}-first`]) await rm(join(dir, name), { force: true });
    return null;
  }
}

interface Work {
  file: PartialFile;
  clip: ClipOfFile;
  request: DownloadRequest;
  deps: Pick<MediaDeps, "ffprobe">;
  context: DirectContext & Pick<YtDlpContext, "groups">;
}

async function fetchPart(work: Work): Promise<Section | null> {
  const { file, clip, request, deps, context } = work;
  const head = await file.open(LOOK_BYTES);
  if (file.total < MIN_FILE_BYTES) return null;
  const window = new ByteWindow(head, file.total, (range) => file.read(range));
  if (isMatroska(head)) return fetchPieces(work, await locateClusters(window));
  const located = await locateMovie(window);
  if (located === null) return null;
  if (isInFragments(located.moov)) return fetchPieces(work, await fragmentsOf(located, window));
  const movie = readMovie(located.moov);
  if (movie === null) return null;
  const pictures = movie.tracks.some(({ kind }) => kind === "video");
  const back = clip.apart ? (pictures ? APART_SECONDS : APART_SOUND_SECONDS) : 0;
  const spare = { back, ahead: clip.apart ? APART_SECONDS : 0 };
  const slice = sliceMovie(movie, { ...clip, spare }, file.total);
  if (slice === "behind" && !clip.apart) throw new MediaFailure("clip");
  if (slice === null || slice === "behind" || !isWorthIt(slice.bytes, file, request.maxBytes)) return null;
  const beginning = writeSlice(movie, slice, located.ftyp);
  if (beginning === null) return null;
  file.expect(slice.bytes);
  const path = await write(work, request.fileName, beginning.bytes, slice.ranges);
  file.end();
  const own = await probe(deps.ffprobe, path, context);
  // Another ffmpeg may have another mind about edits: then it has all of them before it.
  const asPlanned = Math.abs(own.startSeconds - beginning.startSeconds) < SAME_TIME_SECONDS;
  if (asPlanned && own.streams.filter(({ kind }) => kind !== "other").length === slice.tracks.length)
    return { path, size: file.fetched, retries: file.retries, zero: movie.startSeconds };
  await rm(path);
  return null;
}

/** A file of ours with a beginning of ours and parts of the source behind it; its path. */
async function write(work: Work, name: string, beginning: Buffer, ranges: readonly ByteRange[]): Promise<string> {
  const { dir } = work.context;
  const path = join(dir, name);
  await ensureFreeDisk(
    dir,
    ranges.reduce((sum, { start, end }) => sum + end - start, beginning.length),
  );
  await writeNewFile(path, async (made) => {
    await made.writeFile(beginning);
    await work.file.writeInto(made, beginning.length, ranges);
  });
  return path;
}

/** What a file consists of behind its beginning: pieces one behind the other, each of which can be begun with. */
interface Pieces {
  seconds: readonly number[];
  ranges: readonly ByteRange[];
  /** What comes before them in a file that holds no others. */
  beginning(range: Range): Buffer;
}

async function fragmentsOf(located: Located, window: ByteWindow): Promise<Pieces | null> {
  const index = await locateFragments(window, located);
  const list = index === null ? null : readFragmentList(index.sidx, index.end, window.total);
  return list === null ? null : { ...list, beginning: () => Buffer.concat([located.ftyp, located.moov]) };
}

/** The pieces of the clip behind a beginning; and the first of all, whose time stamp says where the media begin. */
async function fetchPieces(work: Work, list: Pieces | null): Promise<Section | null> {
  const { file, clip, request, deps, context } = work;
  const spare = clip.apart ? APART_PIECES_SECONDS : 0;
  const wanted = { start: Math.max(0, clip.start - spare), end: clip.end };
  const range = list === null ? null : chooseSegments(list.seconds, wanted);
  const [first, from, to] = [list?.ranges[0], list?.ranges[range?.from ?? 0], list?.ranges[(range?.to ?? 0) - 1]];
  if (list === null || range === null || !first || !from || !to) return null;
  const needed = { start: from.start, end: to.end };
  const bytes = needed.end - needed.start + (range.from === 0 ? 0 : first.end - first.start);
  if (!isWorthIt(bytes, file, request.maxBytes)) return null;
  file.expect(bytes);
  const begin =
    range.from === 0
      ? null
      : await write(work, `${request.fileName}-first`, list.beginning({ from: 0, to: 1 }), [first]);
  const path = await write(work, request.fileName, list.beginning(range), [needed]);
  file.end();
  const zero = begin === null ? null : (await probe(deps.ffprobe, begin, context)).startSeconds;
  const own = await probe(deps.ffprobe, path, context);
  if (begin !== null) await rm(begin);
  if (covers(own, zero, { range, seconds: list.seconds }, clip))
    return { path, size: file.fetched, retries: file.retries, zero };
  await rm(path);
  return null;
}

/** Over the job's limit it is the fetch of the whole that says so. */
function isWorthIt(bytes: number, file: PartialFile, maxBytes: number | null): boolean {
  const all = file.fetched + bytes;
  return all <= file.total * MAX_PART && (maxBytes === null || all <= maxBytes);
}
