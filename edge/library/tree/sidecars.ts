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

/** A file's siblings and, apart, the pictures of its folder. */
interface Beside {
  siblings: TreeRow[];
  artwork: TreeRow[];
}

/** Nothing for what is no media file. In the order of the paths; two statements, however many they are. */
async function besideAll(db: D1Database, account: string, paths: readonly string[]): Promise<Beside[]> {
  const media = [...new Set(paths.filter((path) => isMedia(nameOf(path))))];
  if (media.length === 0) return paths.map(() => ({ siblings: [], artwork: [] }));
  const folders = new Set(media.map(parentOf));
  const pictures = [...folders].flatMap((folder) => ARTWORK.map((name) => joinPath(folder, name)));
  const [lists, artwork] = await Promise.all([
    filesBeginning(
      db,
      account,
      media.map((path) => ({ folder: parentOf(path), start: `${splitName(nameOf(path)).stem}.` })),
    ),
    findRows(db, account, pictures),
  ]);
  const order = new Map(pictures.map((path, index) => [path, index]));
  const shown = Map.groupBy(
    artwork
      .filter((row) => row.kind === "file" && row.size > 0)
      .sort((one, other) => (order.get(one.path) ?? 0) - (order.get(other.path) ?? 0)),
    (row) => row.parent,
  );
  const beside = new Map(
    media.map((path, index) => {
      const siblings = ownSiblings(path, lists[index] ?? []);
      const known = new Set([path, ...siblings.map((row) => row.path)]);
      return [path, { siblings, artwork: (shown.get(parentOf(path)) ?? []).filter((row) => !known.has(row.path)) }];
    }),
  );
  return paths.map((path) => beside.get(path) ?? { siblings: [], artwork: [] });
}

/**
 * Of the files that begin with a media file's stem those that share it, empty ones excepted. `Part 1.5.mp4` and `Part 1.5.srt`
 * are not `Part 1.mp4`'s, though they begin so: a file belongs to the media file with the longest stem that it shares.
 */
function ownSiblings(path: string, rows: readonly TreeRow[]): TreeRow[] {
  const { stem } = splitName(nameOf(path));
  const longer = rows
    .filter((row) => isMedia(row.name))
    .map((row) => splitName(row.name).stem)
    .filter((other) => other !== stem);
  const isAnothers = (row: TreeRow) => longer.some((other) => row.name.startsWith(`${other}.`));
  return rows.filter((row) => row.path !== path && row.size > 0 && !isAnothers(row));
}

/** What goes where a media file goes, in the order of names. The folder's own pictures stay: they are about all that is in it. */
export async function stemSiblings(db: D1Database, account: string, path: string): Promise<TreeRow[]> {
  const [beside] = await besideAll(db, account, [path]);
  return beside?.siblings ?? [];
}

/** Both kinds, each file once. */
export async function sidecarFiles(db: D1Database, account: string, path: string): Promise<TreeRow[]> {
  const [beside] = await besideAll(db, account, [path]);
  return beside === undefined ? [] : [...beside.siblings, ...beside.artwork];
}

/**
 * The sidecar objects of some files, in their order.
 *
 * @param spell how paths are told: relative to the root, or below `/downloads/`.
 * @example await sidecarsOf(db, account, ["ch/m3.mp4"])
 * // [{ subtitle: [{ file: "ch/m3.en.srt", lang: "en", name: "SRT (0) - en" }] }]
 */
export async function sidecarsOf(
  db: D1Database,
  account: string,
  paths: readonly string[],
  spell: (path: string) => string = (told) => told,
): Promise<Sidecar[]> {
  const all = await besideAll(db, account, paths);
  return all.map(({ siblings, artwork }) => toSidecar([...siblings, ...artwork], spell));
}

function toSidecar(rows: readonly TreeRow[], spell: (path: string) => string): Sidecar {
  const found: Required<Sidecar> = {
    subtitle: [],
    image: [],
    text: [],
    video: [],
    audio: [],
    metadata: [],
    Unknown: [],
  };
  for (const [index, row] of rows.entries()) {
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
