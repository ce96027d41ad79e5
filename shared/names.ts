/** Names of delivered files (jobs API 11.1): one sanitiser, one suffix rule, for every store. */
import { MAX_NAME_BYTES } from "./limits.ts";

const encoder = new TextEncoder();
// Those that turn the direction of text are control characters too: `a<U+202E>4pm.exe` would be shown as `aexe.mp4`.
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is the rule's purpose
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069<>:"/\\|?*]/gu;
const EDGES = /^[. ]+|[. ]+$/g;
/** Windows device names, alone or before a dot. */
const DEVICE = /^(con|prn|aux|nul|com[1-9]|lpt[1-9])(?=\.|$)/i;

/** Cuts to at most `maxBytes` UTF-8 bytes without splitting a code point. */
export function cutUtf8(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes || encoder.encode(text).length <= maxBytes) return text;
  let bytes = 0;
  let end = 0;
  for (const character of text) {
    bytes += encoder.encode(character).length;
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return text.slice(0, end);
}

/**
 * One safe path segment; empty if nothing of the text is left, and the caller then takes the job id.
 * Lone surrogates become U+FFFD, because they have no UTF-8 form.
 */
export function sanitiseName(text: string, maxBytes: number = MAX_NAME_BYTES): string {
  const clean = text
    .toWellFormed()
    .normalize("NFC")
    // The specified order: control characters go first, so a tab vanishes instead of becoming a space.
    .replace(FORBIDDEN, "")
    // Again: a removed character may have stood between a letter and its accent, and a clean name must stay as it is.
    .normalize("NFC")
    .replace(/\s+/gu, " ")
    .replace(EDGES, "");
  const cut = cutUtf8(clean, maxBytes).replace(EDGES, "");
  if (!DEVICE.test(cut)) return cut;
  return cutUtf8(`_${cut}`, maxBytes).replace(EDGES, "");
}

/** Each `/` segment by the same rule; empty ones are dropped. */
export function sanitiseFolder(folder: string): string {
  return folder
    .split("/")
    .map((segment) => sanitiseName(segment))
    .filter((segment) => segment !== "")
    .join("/");
}

/** The stem with its collision suffix: ` (2)`, ` (3)` …; the name is cut first, so that the whole keeps 200 bytes. */
export function withSuffix(stem: string, suffix: number): string {
  if (suffix < 2) return stem;
  const tail = ` (${suffix})`;
  return cutUtf8(stem, MAX_NAME_BYTES - tail.length).replace(EDGES, "") + tail;
}

/** How a store that ignores case compares two keys. */
export function foldKey(key: string): string {
  return key.normalize("NFC").toLowerCase();
}
