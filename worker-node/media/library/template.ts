/**
 * A user's output template, made such that every path which it can become lies in the attempt's folder (library API 3.6).
 *
 * yt-dlp takes slashes out of the values that it fills in, but not dots: a title of `..` is a folder up. So the folder that
 * it writes to lies as deep as the template has folders (`nest`), and no path has enough of them to leave what is around it.
 */
import { join } from "node:path";
import { MediaFailure } from "../failure.ts";

const MAX_FOLDERS = 50;
/** When a template has nothing left. */
const PLAIN = "%(title)s.%(ext)s";
/** Of 255 bytes that a file system gives a name; the rest is for numbers, languages and the endings of unfinished files. */
const WORDS_BYTES = 180;
/** Fields of any length, in their plain form. */
const WORDS = /%\((title|fulltitle|alt_title|section_title|description|playlist_title|series|episode|album|track)\)s/g;

export interface InsideTemplate {
  /** Relative, without a way up, home or through the environment. */
  text: string;
  /** How many folders up its paths may lead at most. */
  folders: number;
}

/**
 * @throws MediaFailure `unsupported`
 * @example insideTemplate("/srv/../%(uploader)s/%(title)s.%(ext)s").text // "./srv/%(uploader)s/%(title).180B.%(ext)s"
 */
export function insideTemplate(template: string): InsideTemplate {
  const segments = template
    // yt-dlp fills in variables of its environment; full-width is its own way to write a sign that may not stand.
    .replace(/\$(?=[\w{])/g, "＄")
    .split("/")
    .filter((segment) => !["", ".", ".."].includes(segment.trim()));
  if (segments.length === 0) segments.push(PLAIN);
  if (segments.length > MAX_FOLDERS) throw new MediaFailure("unsupported", "Output template has too many folders");
  // A tilde has a meaning at the very beginning alone.
  return { text: `./${segments.map(boundWords).join("/")}`, folders: segments.length };
}

/** The same name where it is short; a longer one is cut, in bytes, before the file system refuses it. */
function boundWords(segment: string): string {
  const fields = segment.match(WORDS)?.length ?? 0;
  return fields === 0 ? segment : segment.replace(WORDS, `%($1).${Math.floor(WORDS_BYTES / fields)}B`);
}

/**
 * The folder below `root` that yt-dlp is told to write to.
 *
 * @example nest("/attempt/out", 2) // "/attempt/out/d/d"
 */
export function nest(root: string, folders: number): string {
  return join(root, ...Array.from({ length: folders }, () => NEST_NAME));
}

export const NEST_NAME = "d";
