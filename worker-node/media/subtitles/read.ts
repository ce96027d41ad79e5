/** A downloaded subtitle file → cues. Which format it has is told by its content: endings are the site's word. */
import { readFile, stat } from "node:fs/promises";
import type { Subtitles } from "./cues.ts";
import { parseSrt } from "./srt.ts";
import { parseSsa } from "./ssa.ts";
import { parseTtml } from "./ttml.ts";
import { parseWebVtt } from "./web-vtt.ts";

/** The longest film with captions of every word has 2 MB. Read in one go, so that more would hold up the node's other jobs. */
const MAX_SUBTITLE_BYTES = 8 * 1024 * 1024;

/** Null for a file that is too large, or none of WebVTT, SubRip, SSA and TTML, or has no cue. */
export async function readSubtitles(path: string): Promise<Subtitles | null> {
  const { size } = await stat(path);
  return size > MAX_SUBTITLE_BYTES ? null : parseSubtitles(decodeText(await readFile(path)));
}

/** @param text as the file has it. */
export function parseSubtitles(text: string): Subtitles | null {
  const plain = text
    .replace(/^\ufeff/, "")
    .replace(/\r\n?/g, "\n")
    .replaceAll("\u0000", "\ufffd");
  const vtt = parseWebVtt(plain);
  const found = vtt ?? { cues: parseOther(plain), blocks: [], mediaTimeAtZero: null };
  return found.cues.length === 0 ? null : found;
}

function parseOther(text: string) {
  const head = text.slice(0, 4_096);
  if (/^\s*(?:<\?xml|<!--|<(?:[\w-]+:)?tt[\s>])/.test(head)) return parseTtml(text);
  return /^\[(?:script info|events|v4\+? styles)\]/im.test(head) ? parseSsa(text) : parseSrt(text);
}

/** UTF-8, or UTF-16 by its mark; what is neither was written on an old Western machine. */
function decodeText(bytes: Uint8Array): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return new TextDecoder("utf-16le").decode(bytes);
  if (first === 0xfe && second === 0xff) return new TextDecoder("utf-16be").decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
