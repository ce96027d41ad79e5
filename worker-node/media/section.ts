/**
 * Of a source in segments (HLS, DASH) only those that a clip needs are fetched, by yt-dlp and so through the attempt's guard
 * like everything else. Besides them the very first segment: lengths in a playlist are rounded, and a sum of a thousand of
 * them is seconds off; time stamps are not, but they need not begin at 0.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { MediaFailure } from "./failure.ts";
import { type Probed, probe } from "./ffmpeg/probe.ts";
import { chooseSegments, parsePlaylist, type Range, trimPlaylist } from "./plan/segments.ts";
import type { MediaDeps } from "./run-attempt.ts";
import type { SourceFormat } from "./source.ts";
import type { Downloaded, DownloadRequest, YtDlpContext } from "./ytdlp/port.ts";
import { readFormat } from "./ytdlp/request-info.ts";

const MAX_PLAYLIST_BYTES = 8 * 1024 * 1024;
/** How far a playlist's lengths may be from the time stamps before nothing of it is believed. */
const MAX_DRIFT_SECONDS = 30;
/** After one of these failures the whole is tried; the others would meet it too. */
const WORTH_THE_WHOLE = new Set(["network", "media", "private", "removed", "unsupported"]);

export interface Section extends Downloaded {
  /** The first time stamp of the whole source, on the clock of the file; null when the file is the whole. */
  zero: number | null;
}

export interface Clip {
  start: number;
  end: number | null;
}

type Patch = Readonly<Record<string, unknown>>;
interface Segments {
  seconds: number[];
  patch(range: Range): Patch;
}

/**
 * @returns null where the whole has to be fetched: another protocol, too little to leave out, or segments that do not fit
 * their list.
 * @throws MediaFailure
 */
export async function downloadSection(
  format: SourceFormat,
  clip: Clip,
  request: DownloadRequest,
  deps: MediaDeps,
  context: YtDlpContext,
): Promise<Section | null> {
  if (!isSegmented(format)) return null;
  try {
    return await fetchSection(format, clip, request, deps, context);
  } catch (error) {
    if (context.signal.aborted || !(error instanceof MediaFailure) || !WORTH_THE_WHOLE.has(error.class)) throw error;
    return null;
  } finally {
    for (const name of ["list", "first"]) await rm(join(context.dir, `${request.fileName}-${name}`), { force: true });
  }
}

function isSegmented({ protocol }: SourceFormat): boolean {
  return protocol === "m3u8_native" || protocol === "http_dash_segments";
}

async function fetchSection(
  format: SourceFormat,
  clip: Clip,
  request: DownloadRequest,
  deps: MediaDeps,
  context: YtDlpContext,
): Promise<Section | null> {
  const { fileName } = request;
  const quiet = { ...request, onProgress: () => {} };
  const segments =
    format.protocol === "m3u8_native" ? await listed(quiet, deps, context) : await inManifest(request, context);
  const range = segments === null ? null : chooseSegments(segments.seconds, clip);
  if (segments === null || range === null) return null;
  const fetched = deps.ytdlp.download({ ...request, patch: segments.patch(range) }, context);
  const first =
    range.from === 0
      ? null
      : deps.ytdlp.download(
          { ...quiet, fileName: `${fileName}-first`, patch: segments.patch({ from: 0, to: 1 }) },
          context,
        );
  const [done, begin] = await settled(fetched, first);
  const look = async (path: string) => probe(deps.ffprobe, path, context);
  const [own, zero] = [await look(done.path), begin === null ? null : (await look(begin.path)).startSeconds];
  if (covers(own, zero, { range, seconds: segments.seconds }, clip)) return { ...done, zero };
  await rm(done.path);
  return null;
}

/**
 * Is what was fetched what its list says, and all that the clip needs?
 *
 * @param own What was fetched.
 * @param zero The first time stamp of the whole; null where it begins with what was fetched.
 */
export function covers(
  own: Probed,
  zero: number | null,
  { range, seconds }: { range: Range; seconds: readonly number[] },
  clip: Clip,
): boolean {
  const from = own.startSeconds - (zero ?? own.startSeconds);
  const claimed = seconds.slice(0, range.from).reduce((sum, one) => sum + one, 0);
  const reaches = range.to === seconds.length || from + (own.durationSeconds ?? 0) >= (clip.end ?? 0);
  return Math.abs(from - claimed) <= MAX_DRIFT_SECONDS && (range.from === 0 || from <= clip.start) && reaches;
}

/** Both, once both are over; a failure of either is thrown then. */
async function settled(fetched: Promise<Downloaded>, first: Promise<Downloaded> | null) {
  const [done, begin] = await Promise.allSettled([fetched, first]);
  if (done.status === "rejected") throw done.reason;
  if (begin.status === "rejected") throw begin.reason;
  return [done.value, begin.value] as const;
}

/** HLS: the playlist, fetched as if it were the media. */
async function listed(request: DownloadRequest, deps: MediaDeps, context: YtDlpContext): Promise<Segments | null> {
  const fileName = `${request.fileName}-list`;
  const plain = { protocol: "https", ext: "m3u8" };
  const { path } = await deps.ytdlp.download(
    { ...request, fileName, maxBytes: MAX_PLAYLIST_BYTES, patch: plain },
    context,
  );
  const playlist = parsePlaylist(await readFile(path, "utf8"));
  if (playlist === null) return null;
  return {
    seconds: playlist.seconds,
    patch: (range) => ({ hls_media_playlist_data: trimPlaylist(playlist, range) }),
  };
}

const Fragments = z
  .array(z.looseObject({ duration: z.number().positive().optional() }))
  .min(2)
  .max(100_000);

/** DASH: the look at the source has listed them. The first one without a length initialises the decoder. */
async function inManifest(request: DownloadRequest, { dir }: YtDlpContext): Promise<Segments | null> {
  const parsed = Fragments.safeParse((await readFormat(dir, request.formatId))?.fragments);
  if (!parsed.success) return null;
  const begins = parsed.data.findIndex(({ duration }) => duration !== undefined);
  const [initial, media] = [parsed.data.slice(0, begins), parsed.data.slice(begins)];
  if (begins < 0 || media.some(({ duration }) => duration === undefined)) return null;
  return {
    seconds: media.map(({ duration }) => duration ?? 0),
    patch: ({ from, to }) => ({ fragments: [...initial, ...media.slice(from, to)] }),
  };
}
