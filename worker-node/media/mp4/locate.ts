/** Finds the index of an MP4 on a server by its top-level boxes, wherever it lies, without the media in between. */
import { type Box, readBoxHeader } from "../ffmpeg/boxes.ts";
import type { ByteWindow } from "./window.ts";

/** Five hours at 60 pictures a second. It is held in memory, for a moment twice. */
const MAX_MOOV_BYTES = 16 * 1024 * 1024;
const MAX_FTYP_BYTES = 4 * 1024;
/** Room for 65,535 fragments, which is all that it can count. */
const MAX_SIDX_BYTES = 1024 * 1024;
/** A whole file has about five, and some writers leave room between them. */
const MAX_BOXES = 32;
const LONG_HEADER_BYTES = 16;
/** What a file of this family may begin with. */
const FIRST_BOXES = new Set(["ftyp", "moov", "mdat", "free", "skip", "wide", "pnot"]);
/** What may stand between the beginning of a file in fragments and the list of them. */
const PASSED_OVER = new Set(["free", "skip"]);

export interface Located {
  /** Empty when there is none. */
  ftyp: Buffer;
  moov: Buffer;
  /** Where the box behind `moov` begins. */
  next: number;
}

/** @returns null for anything but a file that has one `moov` before all fragments. */
export async function locateMovie(window: ByteWindow): Promise<Located | null> {
  let ftyp = Buffer.alloc(0);
  for (let at = 0, boxes = 0; boxes < MAX_BOXES; boxes++) {
    const box = await headerAt(window, at);
    if (box === null || (boxes === 0 && !FIRST_BOXES.has(box.type))) return null;
    if (box.type === "moof" || box.type === "sidx" || box.type === "styp") return null;
    if (box.type === "ftyp" && box.size <= MAX_FTYP_BYTES) ftyp = Buffer.from(await window.get(at, box.size));
    at += box.size;
    if (box.type !== "moov") continue;
    const moov = await contentOf(window, box, MAX_MOOV_BYTES);
    return moov === null ? null : { ftyp, moov, next: at };
  }
  return null;
}

/** The list of fragments (`sidx`) in front of the first of them, and where it ends; null when there is none. */
export async function locateFragments(
  window: ByteWindow,
  { next }: Located,
): Promise<{ sidx: Buffer; end: number } | null> {
  for (let at = next, boxes = 0; boxes < MAX_BOXES; boxes++) {
    const box = await headerAt(window, at);
    if (box === null) return null;
    at += box.size;
    if (PASSED_OVER.has(box.type)) continue;
    const sidx = box.type === "sidx" ? await contentOf(window, box, MAX_SIDX_BYTES) : null;
    // A second one is of another track, or of a part of the list.
    if (sidx === null || (await headerAt(window, at))?.type === "sidx") return null;
    return { sidx, end: at };
  }
  return null;
}

async function headerAt(window: ByteWindow, at: number): Promise<Box | null> {
  if (at >= window.total) return null;
  const box = readBoxHeader(await window.get(at, LONG_HEADER_BYTES), at, window.total);
  return box === null || at + box.size > window.total ? null : box;
}

/** Null for one that is too large, or has its length in 64 bits, which nobody writes here: it would move what is inside. */
async function contentOf(window: ByteWindow, { at, size }: Box, most: number): Promise<Buffer | null> {
  if (size > most) return null;
  const bytes = await window.get(at, size);
  return bytes.readUInt32BE(0) === bytes.length ? bytes : null;
}
