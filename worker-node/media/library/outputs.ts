/** What a run left behind: every finished file, what it is, and its name as the user's template made it (library API 3.6). */
import type { Dirent } from "node:fs";
import { lstat, readdir, rename } from "node:fs/promises";
import { join, relative } from "node:path";
import type { FileKind } from "../../../shared/contract/media.ts";
import { MAX_FILE_NAME_LENGTH, MAX_FILES_PER_JOB } from "../../../shared/limits.ts";
import { NEST_NAME } from "./template.ts";

export interface Output {
  kind: FileKind;
  /** Where it lies now: in the attempt's folder itself, under a plain name. */
  path: string;
  /** Relative, `/` between folders, at most `MAX_FILE_NAME_LENGTH` long. */
  name: string;
  language: string | null;
  size: number;
}

export interface Outputs {
  /** The media file first, then subtitles, pictures, the info, the rest. */
  files: Output[];
  /** How many more there were. */
  leftOut: number;
}

export interface Folders {
  /** Where yt-dlp writes what is finished, and what is not yet. */
  out: string;
  unfinished: string;
  /** How deep below each of them it was told to write. */
  folders: number;
}

interface Found {
  /** The file, in bytes: nothing promises that its name is text. */
  path: Buffer;
  /** Below `out` or `unfinished`. */
  place: string;
  /** As it is told: relative to where yt-dlp was told to write. */
  name: string;
  size: number;
}

const SUBTITLES = /\.(?:srt|ass|vtt|ssa|smi|sub|idx|lrc|ttml|dfxp)$/i;
const PICTURES = /\.(?:jpe?g|png|webp|gif|bmp|avif)$/i;
const INFO = /\.info\.json$/i;
/** What yt-dlp has not finished, or keeps for its own use. */
const UNFINISHED = /\.(?:part|ytdl|temp|part-Frag\d+(?:\.part)?)$|\.temp\.[^./]+$/i;
const RANK: Readonly<Record<FileKind, number>> = { media: 0, subtitle: 1, thumbnail: 2, info: 3, other: 4 };
/** A language is told by BCP 47's letters, or by yt-dlp's own words for what has none (`und`). */
const LANGUAGE = /\.([a-z]{2,3}(?:[-_][a-z0-9]{1,8}){0,4})\.[^.]+$/i;
const MAX_LANGUAGE_LENGTH = 35;
/** A run makes a few. */
const MAX_FILES_SEEN = 10_000;
const SLASH = Buffer.from("/");

/**
 * Takes the files out of yt-dlp's folders and lays them into `dir`. No process of the run may be left: nothing that is looked
 * at here may change meanwhile.
 *
 * @param printed The paths of finished media, in the order in which yt-dlp told them.
 */
export async function takeOutputs(dir: string, folders: Folders, printed: readonly string[]): Promise<Outputs> {
  const found = await filesBelow(folders.out, folders.folders);
  // yt-dlp forgets to move some subtitles that it has converted.
  const forgotten = (await filesBelow(folders.unfinished, folders.folders)).filter(
    ({ name }) => sideKind(name) !== "other" && !found.some((one) => one.name === name),
  );
  const media = mediaPlace(found, folders.out, printed);
  const ranked = [...found, ...forgotten]
    .map((one) => ({ ...one, kind: one.place === media ? ("media" as const) : sideKind(one.name) }))
    .sort((a, b) => RANK[a.kind] - RANK[b.kind] || (a.name < b.name ? -1 : 1))
    // What went up may meet what did not; an edge tells files of one job apart by their names.
    .filter((one, at, all) => all.findIndex(({ name }) => name === one.name) === at);
  const files: Output[] = [];
  for (const [at, { kind, path, name, size }] of ranked.slice(0, MAX_FILES_PER_JOB).entries()) {
    const plain = join(dir, `file-${at}${ending(name)}`);
    await rename(path, plain);
    files.push({ kind, path: plain, name, language: kind === "subtitle" ? languageOf(name) : null, size });
  }
  return { files, leftOut: ranked.length - files.length };
}

async function filesBelow(folder: string, depth: number): Promise<Found[]> {
  const found: Found[] = [];
  await walk(Buffer.from(folder), [], depth, found);
  return found;
}

async function walk(folder: Buffer, names: readonly Buffer[], depth: number, found: Found[]): Promise<void> {
  const entries: Dirent<Buffer>[] = await readdir(folder, { withFileTypes: true, encoding: "buffer" }).catch(() => []);
  for (const entry of entries) {
    if (found.length >= MAX_FILES_SEEN) return;
    const path = Buffer.concat([folder, SLASH, entry.name]);
    const inside = [...names, entry.name];
    // Never through a link; what has a second name may be anyone's.
    if (entry.isDirectory()) await walk(path, inside, depth, found);
    else if (entry.isFile()) {
      const { size, nlink } = await lstat(path);
      const place = textOf(inside);
      if (size > 0 && nlink === 1 && !UNFINISHED.test(place))
        found.push({ path, place, name: shownName(inside, depth), size });
    }
  }
}

/** The first of the media files that yt-dlp told, else the largest that is nothing else; undefined without any. */
function mediaPlace(found: readonly Found[], out: string, printed: readonly string[]): string | undefined {
  const told = printed.map((path) => relative(out, path)).find((place) => found.some((one) => one.place === place));
  if (told !== undefined) return told;
  const media = found.filter(({ name }) => sideKind(name) === "other");
  return media.sort((a, b) => b.size - a.size)[0]?.place;
}

function sideKind(name: string): Exclude<FileKind, "media"> {
  if (SUBTITLES.test(name)) return "subtitle";
  if (PICTURES.test(name)) return "thumbnail";
  return INFO.test(name) ? "info" : "other";
}

function textOf(names: readonly Buffer[]): string {
  return names.map((one) => one.toString("utf8")).join("/");
}

/** What went up from the folder that yt-dlp was told to write to has lost the folders above it (`template.ts`). */
function shownName(names: readonly Buffer[], depth: number): string {
  const own = names.slice(0, depth).findIndex((one) => one.toString("latin1") !== NEST_NAME);
  const name = textOf(names.slice(own < 0 ? Math.min(depth, names.length - 1) : own));
  return name.length <= MAX_FILE_NAME_LENGTH ? name : name.slice(name.lastIndexOf("/") + 1);
}

/** For ffmpeg, which goes by it; letters and digits alone. */
function ending(name: string): string {
  return /\.[a-z0-9]{1,10}$/i.exec(name)?.[0] ?? "";
}

function languageOf(name: string): string | null {
  const language = LANGUAGE.exec(name)?.[1] ?? null;
  return language !== null && language.length <= MAX_LANGUAGE_LENGTH ? language : null;
}
