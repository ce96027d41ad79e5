/**
 * What one look at a source learned, kept in the attempt folder, and the small extract of it that a download reads
 * (`--load-info-json`): the source is looked at once. The extract renames the chosen format or track to a fixed name,
 * and leaves out the page's address, or yt-dlp would go back to the page when a download fails.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeForTool } from "../../process/confine.ts";
import { MediaFailure } from "../failure.ts";

/** The fixed name of the one format or track in a request. */
export const CHOSEN = "chosen";
export const INFO_FILE = "info.json";

type Json = Record<string, unknown>;

export async function saveInfo(dir: string, text: string): Promise<void> {
  await writeForTool(join(dir, INFO_FILE), text);
}

/** All that was learned of one format, unchecked; undefined when the source has none of this id. */
export async function readFormat(dir: string, formatId: string): Promise<Json | undefined> {
  return formatOf(await loadInfo(dir), formatId);
}

/** Writes the request for one format; answers its file name. */
export async function writeFormatRequest(
  dir: string,
  formatId: string,
  name: string,
  patch: Json = {},
): Promise<string> {
  const info = await loadInfo(dir);
  const format = formatOf(info, formatId);
  if (format === undefined) throw new MediaFailure("unsupported", "Requested format is not available");
  return write(dir, name, { ...skeleton(info), formats: [{ ...format, ...patch, format_id: CHOSEN }] });
}

/** Writes the request for one subtitle track; null when the source has no such track. */
export async function writeSubtitleRequest(
  dir: string,
  track: { language: string; automatic: boolean; ext: string },
  name: string,
): Promise<string | null> {
  const info = await loadInfo(dir);
  const tracks = object(object(info)[track.automatic ? "automatic_captions" : "subtitles"])[track.language];
  const found = list(tracks).find((one) => one.ext === track.ext);
  if (found === undefined) return null;
  return write(dir, name, { ...skeleton(info), formats: anyFormat(info), subtitles: { [CHOSEN]: [found] } });
}

/** Writes the request for a picture. */
export async function writeThumbnailRequest(dir: string, url: string, name: string): Promise<string> {
  const info = await loadInfo(dir);
  return write(dir, name, { ...skeleton(info), formats: anyFormat(info), thumbnails: [{ id: CHOSEN, url }] });
}

/** yt-dlp refuses an item without formats, also when none is to be downloaded. */
function anyFormat(info: Json): Json[] {
  return list(info.formats)
    .slice(-1)
    .map((format) => ({ ...format, format_id: CHOSEN }));
}

/** Fields that yt-dlp demands, with values of ours; of the source only what changes how it is fetched. */
function skeleton(info: Json): Json {
  return {
    _type: "video",
    id: CHOSEN,
    title: CHOSEN,
    extractor: info.extractor,
    extractor_key: info.extractor_key,
    live_status: info.live_status,
    duration: info.duration,
  };
}

function formatOf(info: Json, formatId: string): Json | undefined {
  return list(info.formats).find((one) => one.format_id === formatId);
}

async function write(dir: string, name: string, info: Json): Promise<string> {
  const file = `${name}.request.json`;
  await writeForTool(join(dir, file), JSON.stringify(info));
  return file;
}

/** All that one look at the source said, unchecked. */
export async function loadInfo(dir: string): Promise<Json> {
  return object(JSON.parse(await readFile(join(dir, INFO_FILE), "utf8")));
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}
