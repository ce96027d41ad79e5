/** Paths of the file tree (library API 9.1): `/` parts them, no leading one, the root is `""`. */
import { foldKey } from "../../../shared/names.ts";

/** NAME_MAX of every common file system, bytes. */
const MAX_SEGMENT_BYTES = 255;
/** What the disk store takes for a key is 2,048 characters, with the prefix of the account's root. */
const MAX_PATH_LENGTH = 1_900;
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the purpose; a backslash parts paths on Windows
const UNPRINTABLE = /[\u0000-\u001f\u007f\\]/;

/**
 * The path that a client means. Null: one that is never known, whatever lies there: `.` and `..`, NUL and other controls, a
 * backslash, names that begin with `.`, and at the top those with `@`, the roots of other accounts.
 *
 * @example parseTreePath("/ch//foo/") === "ch/foo"
 */
export function parseTreePath(text: string): string | null {
  const segments = text.split("/").filter((segment) => segment !== "");
  if (segments.some((segment) => segment.startsWith(".") || UNPRINTABLE.test(segment) || !segment.isWellFormed())) {
    return null;
  }
  const path = segments.join("/");
  return path.startsWith("@") || path.length > MAX_PATH_LENGTH ? null : path;
}

/**
 * Whether somebody may give something this path: as {@link parseTreePath}, and nothing that would be hidden, or that a file
 * system may take for a name that is: some ignore code points that are not seen (HFS+), some drop dots and spaces at the
 * end (NTFS).
 */
export function canBeGiven(path: string): boolean {
  if (parseTreePath(path) !== path) return false;
  return path.split("/").every((segment, index) => {
    const seen = foldKey(segment.normalize("NFKC").replace(/\p{Default_Ignorable_Code_Point}/gu, ""));
    if (seen === "" || /^[._]/.test(seen) || /[. ]$/.test(seen) || (index === 0 && seen.startsWith("@"))) return false;
    return !seen.includes("/") && !seen.includes("\\") && new TextEncoder().encode(segment).length <= MAX_SEGMENT_BYTES;
  });
}

/** The folder that something lies in; `""`: the root. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function joinPath(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** The folders on the way to a path, outermost first, itself included: `a`, `a/b`, `a/b/c`. */
export function prefixesOf(path: string): string[] {
  const segments = path === "" ? [] : path.split("/");
  return segments.map((_, index) => segments.slice(0, index + 1).join("/"));
}
