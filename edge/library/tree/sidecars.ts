/** What lies beside a media file and is about it (library API 9.2). */
import { filesBeginning, findRows, type TreeRow } from "../../db/tree.ts";
import { contentTypeOf, isMedia, splitName } from "./file-types.ts";
import { joinPath, nameOf, parentOf } from "./tree-path.ts";

interface SidecarFile {
  file: string;
}
interface SidecarSubtitle extends SidecarFile {
  lang: string;
  name: string;
}

/** Keys only when not empty, in this order. */
export interface Sidecar {
  subtitle?: SidecarSubtitle[];
  image?: SidecarFile[];
  text?: SidecarFile[];
  video?: SidecarFile[];
  audio?: SidecarFile[];
  metadata?: SidecarFile[];
  Unknown?: SidecarFile[];
}

/** Of the subtitles that there are, those that a sidecar object calls so. */
const SUBTITLES = new Set(["srt", "ass", "vtt"]);
const LANGUAGE = /\.([a-z]{2,3})\.[^.]+$/i;
const ARTWORK = ["poster", "thumbnail", "artwork", "cover", "fanart"].flatMap((name) =>
  ["jpg", "jpeg", "png", "webp"].map((extension) => `${name}.${extension}`),
);

/**
 * Files of its folder that share a media file's stem, empty ones excepted, in the order of their names; they go where it goes.
 * `Part 1.5.mp4` and `Part 1.5.srt` are not `Part 1.mp4`'s, though they begin so: a file belongs to the media file with the
 * longest stem that it shares.
 */
export async function stemSiblings(db: D1Database, account: string, path: string): Promise<TreeRow[]> {
  const name = nameOf(path);
  if (!isMedia(name)) return [];
  const { stem } = splitName(name);
  const rows = await filesBeginning(db, account, parentOf(path), `${stem}.`);
  const longer = rows
    .filter((row) => isMedia(row.name))
    .map((row) => splitName(row.name).stem)
    .filter((other) => other !== stem);
  const isAnothers = (row: TreeRow) => longer.some((other) => row.name.startsWith(`${other}.`));
  return rows.filter((row) => row.path !== path && row.size > 0 && !isAnothers(row));
}

/** The folder's own pictures: they belong to all that is in it, so they stay when one of it goes. */
async function artworkOf(db: D1Database, account: string, path: string): Promise<TreeRow[]> {
  const paths = ARTWORK.map((name) => joinPath(parentOf(path), name));
  const rows = await findRows(db, account, paths);
  return rows
    .filter((row) => row.kind === "file" && row.size > 0 && row.path !== path)
    .sort((one, other) => paths.indexOf(one.path) - paths.indexOf(other.path));
}

/** Both kinds, each file once. */
export async function sidecarFiles(db: D1Database, account: string, path: string): Promise<TreeRow[]> {
  if (!isMedia(nameOf(path))) return [];
  const [siblings, artwork] = await Promise.all([stemSiblings(db, account, path), artworkOf(db, account, path)]);
  const known = new Set(siblings.map((row) => row.path));
  return [...siblings, ...artwork.filter((row) => !known.has(row.path))];
}

/**
 * The sidecar object of a file.
 *
 * @param spell how its paths are told: relative to the root, or below `/downloads/`.
 * @example await sidecarOf(db, account, "ch/m3.mp4")
 * // { subtitle: [{ file: "ch/m3.en.srt", lang: "en", name: "SRT (0) - en" }] }
 */
export async function sidecarOf(
  db: D1Database,
  account: string,
  path: string,
  spell: (path: string) => string = (told) => told,
): Promise<Sidecar> {
  const found: Required<Sidecar> = {
    subtitle: [],
    image: [],
    text: [],
    video: [],
    audio: [],
    metadata: [],
    Unknown: [],
  };
  for (const [index, row] of (await sidecarFiles(db, account, path)).entries()) {
    const { extension } = splitName(row.name);
    const type = contentTypeOf(row.name);
    const file = spell(row.path);
    if (SUBTITLES.has(extension)) {
      const lang = LANGUAGE.exec(row.name)?.[1] ?? "und";
      found.subtitle.push({ file, lang, name: `${extension.toUpperCase()} (${index}) - ${lang}` });
    } else if (type === "subtitle" || type === "download" || type === "dir") found.Unknown.push({ file });
    else found[type].push({ file });
  }
  return Object.fromEntries(Object.entries(found).filter(([, files]) => files.length > 0)) as Sidecar;
}
