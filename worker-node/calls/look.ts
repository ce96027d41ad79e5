/** `look`: what is at a URL, from one look of yt-dlp, for `/metadata`, `/is-short` and `/api/info`. */
import { z } from "zod";
import type { LookResult } from "../../shared/contract/calls.ts";
import { MAX_DESCRIPTION_LENGTH, MAX_TITLE_LENGTH, MAX_URL_LENGTH } from "../../shared/limits.ts";
import { anyCount, anyList, anyNumber, clipped, httpUrl } from "../media/tolerant.ts";
import { flatEntries, isList } from "../media/ytdlp/entries.ts";
import type { YtDlp, YtDlpContext } from "../media/ytdlp/port.ts";

/** One page of the large sites: a list that says nothing of its size is counted up to here. */
const COUNTED_ENTRIES = 100;
/** As many as the contract takes; the rest is dropped from the front, where yt-dlp puts the worst. */
const MAX_FORMATS = 500;

const RawLook = z.object({
  title: clipped(MAX_TITLE_LENGTH),
  duration: anyNumber,
  extractor_key: clipped(100),
  uploader: clipped(MAX_TITLE_LENGTH),
  channel: clipped(MAX_TITLE_LENGTH),
  thumbnail: z.unknown().optional(),
  thumbnails: anyList,
  description: clipped(MAX_DESCRIPTION_LENGTH),
  view_count: anyCount,
  like_count: anyCount,
  upload_date: clipped(20),
  width: anyCount,
  height: anyCount,
  filesize: anyCount,
  filesize_approx: anyCount,
  live_status: clipped(50),
  is_live: z.unknown().optional(),
  playlist_count: anyCount,
  entries: anyList,
  formats: anyList,
});

const RawFormat = z.object({
  format_id: z.string().min(1).max(200),
  ext: clipped(20),
  height: anyCount,
  width: anyCount,
  fps: anyNumber,
  filesize: anyCount,
  filesize_approx: anyCount,
  vcodec: clipped(100),
  acodec: clipped(100),
  format_note: clipped(200),
});

/** @throws MediaFailure */
export async function look(url: string, ytdlp: YtDlp, context: YtDlpContext): Promise<LookResult> {
  return toLookResult(await ytdlp.describe({ url, prefer: "video", entries: COUNTED_ENTRIES }, context));
}

/** Reads yt-dlp's answer; total, whatever stands in it. */
export function toLookResult(raw: Record<string, unknown>): LookResult {
  const info = RawLook.parse(raw);
  const list = isList(raw);
  const formats = list ? [] : info.formats.flatMap(toFormat).slice(-MAX_FORMATS);
  const best = bestVideo(formats);
  return {
    kind: "look",
    title: info.title,
    duration: info.duration,
    width: best?.width ?? info.width,
    height: best?.height ?? info.height,
    extractor: displayName(info.extractor_key),
    uploader: info.uploader ?? info.channel,
    thumbnail: httpUrl(info.thumbnail, MAX_URL_LENGTH) ?? lastThumbnail(info.thumbnails),
    description: info.description,
    view_count: info.view_count,
    like_count: info.like_count,
    upload_date: /^\d{8}$/.test(info.upload_date ?? "") ? info.upload_date : null,
    filesize_approx: list ? null : (expectedSize(formats, best) ?? info.filesize ?? info.filesize_approx),
    is_live: info.live_status === "is_live" || info.is_live === true,
    is_list: list,
    entry_count: list ? entryCount(info.playlist_count, info.entries) : null,
    formats,
  };
}

function toFormat(raw: unknown): LookFormat[] {
  const parsed = RawFormat.safeParse(raw);
  if (!parsed.success) return [];
  const { filesize_approx, ...format } = parsed.data;
  // Storyboards are pictures in the clothes of a format.
  if (format.ext === "mhtml" || (format.vcodec === "none" && format.acodec === "none")) return [];
  return [{ ...format, filesize: format.filesize ?? filesize_approx }];
}

type LookFormat = LookResult["formats"][number];

/** The format with the largest picture, of equals the last: yt-dlp sorts the better one behind. */
function bestVideo(formats: readonly LookFormat[]): LookFormat | null {
  let best: LookFormat | null = null;
  for (const format of formats) {
    if (format.vcodec === "none" || format.height === null) continue;
    if (best === null || pixels(format) >= pixels(best)) best = format;
  }
  return best;
}

/** A height without a width is what labels in a page give (`1080p`). */
function pixels(format: LookFormat): number {
  return (format.height ?? 0) * (format.width ?? format.height ?? 0);
}

/** The best picture, and the best sound beside it if the picture has none: what a plain download would fetch. */
function expectedSize(formats: readonly LookFormat[], best: LookFormat | null): number | null {
  const main = best ?? formats.at(-1);
  if (main?.filesize == null) return null;
  if (main.acodec !== "none") return main.filesize;
  const sound = formats.findLast((format) => format.vcodec === "none" && format.acodec !== "none");
  return main.filesize + (sound?.filesize ?? 0);
}

/** A list of lists counts its lists, so that its own count is of no use. */
function entryCount(said: number | null, entries: readonly unknown[]): number | null {
  const flat = flatEntries(entries);
  if (said !== null && flat.length === entries.length) return said;
  return flat.length < COUNTED_ENTRIES ? flat.length : null;
}

/** yt-dlp sorts the best picture behind; only some of its lists also name one as `thumbnail`. */
function lastThumbnail(thumbnails: readonly unknown[]): string | null {
  const last = z.object({ url: z.unknown().optional() }).safeParse(thumbnails.at(-1));
  return last.success ? httpUrl(last.data.url, MAX_URL_LENGTH) : null;
}

/** Sites write themselves in another way than yt-dlp's class names do. */
const SPELLINGS: readonly [prefix: string, name: string][] = [
  ["Youtube", "YouTube"],
  ["Soundcloud", "SoundCloud"],
  ["BiliBili", "Bilibili"],
];

/** `Youtube`, `YoutubeTab`, `YoutubePlaylist` → `YouTube`; other sites by yt-dlp's name for them. */
function displayName(key: string | null): string | null {
  return SPELLINGS.find(([prefix]) => key?.startsWith(prefix))?.[1] ?? key;
}
