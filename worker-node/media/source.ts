/** What yt-dlp says about a source, as our own types: everything in it was written by a site and is checked here. */
import { z } from "zod";

/** More formats than any site offers; the rest is dropped from the front, where yt-dlp puts the worst. */
const MAX_FORMATS = 1_000;

const text = z.string().nullable().catch(null).default(null);
const number = z.number().finite().nonnegative().nullable().catch(null).default(null);
const signed = z.number().finite().nullable().catch(null).default(null);

const RawFormat = z.object({
  format_id: z.string().min(1).max(500),
  protocol: text,
  ext: text,
  container: text,
  vcodec: text,
  acodec: text,
  width: number,
  height: number,
  fps: number,
  tbr: number,
  vbr: number,
  abr: number,
  filesize: number,
  filesize_approx: number,
  language: text,
  language_preference: signed,
});

const RawSubtitle = z.object({ url: text, ext: text, data: text });
const RawSubtitles = z
  .record(z.string(), z.array(RawSubtitle.catch({ url: null, ext: null, data: null })).catch([]))
  .catch({})
  .default({});

const RawInfo = z.object({
  id: z
    .union([z.string(), z.number().transform(String)])
    .nullable()
    .catch(null)
    .default(null),
  extractor_key: text,
  title: text,
  description: text,
  timestamp: signed,
  release_timestamp: signed,
  upload_date: text,
  release_date: text,
  uploader: text,
  channel: text,
  thumbnail: text,
  thumbnails: z.array(z.unknown()).catch([]).default([]),
  chapters: z.array(z.unknown()).catch([]).default([]),
  duration: number,
  language: text,
  live_status: text,
  is_live: z.boolean().nullable().catch(null).default(null),
  formats: z.array(z.unknown()).catch([]).default([]),
  subtitles: RawSubtitles,
  automatic_captions: RawSubtitles,
});

const RawThumbnail = z.object({ url: z.string() });
const RawChapter = z.object({ start_time: z.number().finite().nonnegative(), end_time: number, title: text });

/** More than any book has. */
const MAX_CHAPTERS = 1_000;

export interface SourceChapter {
  /** Seconds from the start of the media. */
  start: number;
  /** Null for the last one of a source that does not say. */
  end: number | null;
  title: string | null;
}

export interface SourceFormat {
  id: string;
  protocol: string;
  ext: string | null;
  /** Short name (`avc1`, `vp09`, `mp4a`); null when unknown; "none" when the format lacks that kind of stream. */
  vcodec: string | null;
  acodec: string | null;
  width: number | null;
  height: number | null;
  fps: number | null;
  /** Kbit/s, of the whole, the video, the audio. */
  tbr: number | null;
  vbr: number | null;
  abr: number | null;
  /** Bytes; `exact` when the site said so rather than yt-dlp guessed it. */
  size: { bytes: number; exact: boolean } | null;
  language: string | null;
  languagePreference: number;
}

export interface SourceSubtitle {
  language: string;
  ext: string;
  automatic: boolean;
}

export interface SourceInfo {
  extractor: string;
  id: string | null;
  title: string | null;
  description: string | null;
  /** ISO 8601 UTC to the second. */
  releaseDate: string | null;
  uploader: string | null;
  thumbnailUrl: string | null;
  chapters: SourceChapter[];
  durationSeconds: number | null;
  language: string | null;
  live: "no" | "now" | "upcoming" | "past";
  /** Worst first, as yt-dlp sorts them. */
  formats: SourceFormat[];
  subtitles: SourceSubtitle[];
}

/** Turns yt-dlp's JSON of one item into a `SourceInfo`. Fields of a wrong type count as absent; nothing throws. */
export function toSourceInfo(raw: unknown): SourceInfo {
  const info = RawInfo.catch(RawInfo.parse({})).parse(raw);
  return {
    extractor: (info.extractor_key ?? "generic").toLowerCase(),
    id: info.id,
    title: info.title,
    description: info.description,
    releaseDate: releaseDate(info),
    uploader: info.uploader ?? info.channel,
    thumbnailUrl: info.thumbnail ?? lastThumbnail(info.thumbnails),
    chapters: info.chapters.slice(0, MAX_CHAPTERS).flatMap(toChapter),
    durationSeconds: info.duration,
    language: info.language,
    live: liveStatus(info.live_status, info.is_live),
    formats: info.formats.slice(-MAX_FORMATS).flatMap(toFormat),
    subtitles: [...toSubtitles(info.subtitles, false), ...toSubtitles(info.automatic_captions, true)],
  };
}

function toFormat(raw: unknown): SourceFormat[] {
  const parsed = RawFormat.safeParse(raw);
  if (!parsed.success) return [];
  const format = parsed.data;
  // Storyboards are pictures in the clothes of a format.
  if (format.protocol === "mhtml" || format.ext === "mhtml") return [];
  if (format.vcodec === "none" && format.acodec === "none") return [];
  const bytes = format.filesize ?? format.filesize_approx;
  return [
    {
      id: format.format_id,
      protocol: format.protocol ?? "http",
      ext: format.ext,
      vcodec: shortCodec(format.vcodec),
      acodec: shortCodec(format.acodec),
      width: format.width,
      height: format.height,
      fps: format.fps,
      tbr: format.tbr,
      vbr: format.vbr,
      abr: format.abr,
      size: bytes === null ? null : { bytes: Math.round(bytes), exact: format.filesize !== null },
      language: format.language,
      languagePreference: format.language_preference ?? -1,
    },
  ];
}

/** `avc1.64001f` → `avc1`, the style of the jobs API. */
function shortCodec(codec: string | null): string | null {
  const short = codec?.split(".")[0]?.trim().toLowerCase();
  return short === undefined || short === "" || short === "unknown" ? null : short;
}

function liveStatus(status: string | null, isLive: boolean | null): SourceInfo["live"] {
  if (status === "is_live" || isLive === true) return "now";
  if (status === "is_upcoming") return "upcoming";
  return status === "was_live" || status === "post_live" ? "past" : "no";
}

/** The exact time when the site gives one, else midnight UTC of the day. */
function releaseDate(info: z.infer<typeof RawInfo>): string | null {
  const seconds = info.release_timestamp ?? info.timestamp;
  if (seconds !== null && Math.abs(seconds) < 253_402_300_800) {
    // A year outside 0–9999 has another ISO form, which the contract does not take.
    const iso = new Date(Math.floor(seconds) * 1000).toISOString();
    return iso.startsWith("-") || iso.startsWith("+") ? null : iso.replace(/\.\d+Z$/, "Z");
  }
  const day = /^(\d{4})(\d{2})(\d{2})$/.exec(info.release_date ?? info.upload_date ?? "");
  if (day === null) return null;
  const date = new Date(`${day[1]}-${day[2]}-${day[3]}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? null : `${day[1]}-${day[2]}-${day[3]}T00:00:00Z`;
}

/** yt-dlp sorts the best picture behind; only some of its sources also name one as `thumbnail`. */
function lastThumbnail(thumbnails: readonly unknown[]): string | null {
  const last = RawThumbnail.safeParse(thumbnails.at(-1));
  return last.success ? last.data.url : null;
}

function toChapter(raw: unknown): SourceChapter[] {
  const parsed = RawChapter.safeParse(raw);
  if (!parsed.success) return [];
  const { start_time: start, end_time: end, title } = parsed.data;
  return end !== null && end <= start ? [] : [{ start, end, title }];
}

/** What we turn into WebVTT, the best first; the rest counts as not there. */
const READABLE_SUBTITLES = ["vtt", "srt", "ttml", "dfxp", "ass", "ssa"];

function toSubtitles(raw: z.infer<typeof RawSubtitles>, automatic: boolean): SourceSubtitle[] {
  return Object.entries(raw).flatMap(([language, tracks]) => {
    // Live chats come under the same key and are no subtitles.
    if (language === "live_chat" || language === "comments") return [];
    const ext = READABLE_SUBTITLES.find((one) => tracks.some((track) => track.ext === one));
    return ext === undefined ? [] : [{ language, ext, automatic }];
  });
}
