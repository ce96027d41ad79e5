/**
 * `<name>.info.json` (jobs API 3.5, `TRAWL_INFO_JSON`): what the source said of itself, for archives. A list of what may
 * stand in it, not of what may not: yt-dlp's own document also has cookies, request headers, signed addresses of media and
 * paths of this machine, and its next release may have more of them.
 */
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cleanText } from "../../shared/clean-text.ts";
import type { ProducedFile } from "./run-attempt.ts";
import { loadInfo } from "./ytdlp/request-info.ts";

const MAX_TEXT_LENGTH = 100_000;
const MAX_URL_LENGTH = 4_096;
const MAX_ITEMS = 1_000;

/** Words and numbers about the item. */
const FIELDS = [
  ...["id", "title", "fulltitle", "alt_title", "display_id", "description", "extractor", "extractor_key", "language"],
  ...["uploader", "uploader_id", "channel", "channel_id", "channel_follower_count", "channel_is_verified", "creator"],
  ...["timestamp", "upload_date", "release_timestamp", "release_date", "modified_timestamp", "modified_date"],
  ...["duration", "view_count", "like_count", "dislike_count", "repost_count", "comment_count", "average_rating"],
  ...["age_limit", "live_status", "is_live", "was_live", "availability", "media_type", "location", "license"],
  ...["series", "season", "season_number", "episode", "episode_number", "track", "artist", "album", "genre"],
  ...["release_year", "categories", "tags", "cast", "artists", "genres"],
];
/** Addresses of pages; those of media run out, and open what only this job was let into. */
const URL_FIELDS = ["webpage_url", "original_url", "uploader_url", "channel_url"];
const CHAPTER_FIELDS = ["start_time", "end_time", "title"];
const FORMAT_FIELDS = [
  ...["format_id", "format_note", "ext", "protocol", "container", "vcodec", "acodec", "width", "height", "fps"],
  ...["tbr", "vbr", "abr", "asr", "audio_channels", "filesize", "filesize_approx", "language", "dynamic_range"],
];

type Json = Record<string, unknown>;

/** Writes the file from what the look has left in the attempt's folder. */
export async function writeInfoFile(dir: string): Promise<ProducedFile> {
  const path = join(dir, "info.output");
  await writeFile(path, `${JSON.stringify(publicInfo(await loadInfo(dir)), null, 2)}\n`);
  const { size } = await stat(path);
  return { kind: "info", path, language: null, size };
}

/** Pure: the part of yt-dlp's document that may be kept. */
export function publicInfo(info: Json): Json {
  const urls = URL_FIELDS.flatMap((field) => {
    const value = info[field];
    return typeof value === "string" ? [[field, cleanText(value, { max: MAX_URL_LENGTH })]] : [];
  });
  return {
    ...pick(info, FIELDS),
    ...Object.fromEntries(urls),
    chapters: items(info.chapters).map((chapter) => pick(chapter, CHAPTER_FIELDS)),
    formats: items(info.formats).map((format) => pick(format, FORMAT_FIELDS)),
    subtitles: languages(info.subtitles),
    automatic_captions: languages(info.automatic_captions),
  };
}

function pick(from: Json, fields: readonly string[]): Json {
  return Object.fromEntries(fields.flatMap((field) => (isPlain(from[field]) ? [[field, from[field]]] : [])));
}

/** A text, a number, a yes or no, or a list of texts; of yt-dlp's fields none is more than that here. */
function isPlain(value: unknown): boolean {
  if (typeof value === "string") return value.length <= MAX_TEXT_LENGTH;
  if (Array.isArray(value)) return value.length <= MAX_ITEMS && value.every((one) => typeof one === "string");
  return typeof value === "number" || typeof value === "boolean";
}

function items(value: unknown): Json[] {
  const list = Array.isArray(value) ? value.slice(0, MAX_ITEMS) : [];
  return list.filter((one): one is Json => typeof one === "object" && one !== null);
}

function languages(value: unknown): string[] {
  return typeof value === "object" && value !== null ? Object.keys(value).slice(0, MAX_ITEMS) : [];
}
