/**
 * Is a downloaded file already what a job asks for, so that it can be moved instead of remuxed? ffprobe cannot tell:
 * it has one name for MP4, MOV and M4A, whole or in fragments, and one for WebM and Matroska.
 */
import { type FileHandle, open } from "node:fs/promises";
import type { Format } from "../../../shared/contract/options.ts";
import { topBoxes } from "./boxes.ts";
import type { Probed } from "./probe.ts";

/** Top-level boxes looked at; a whole file has about five, a fragmented one two per fragment. */
const MAX_BOXES = 64;
/** Fewer bytes than a box has; some writers leave a few at the end. */
const SLACK_BYTES = 8;
/** An EBML header with its document type is 40 bytes or so. */
const EBML_BYTES = 256;

/**
 * The output format that the file is as it lies there, with one video at most, one audio at most and nothing else; null
 * if it is none. A moov box behind the data is fine: it plays by range requests, and a move costs nothing.
 */
export async function plainFormat(path: string, probed: Probed): Promise<Format | null> {
  const videos = probed.streams.filter((stream) => stream.kind === "video");
  const audios = probed.streams.filter((stream) => stream.kind === "audio");
  const names = probed.formatName.split(",");
  // A cover picture in a sound file is welcome; anything else that is neither sound nor picture is not.
  const soundOnly = videos.length === 0 && audios.length === 1;
  if (names.includes("mp3")) return soundOnly ? "mp3" : null;
  if (videos.length > 1 || audios.length > 1 || probed.streams.length > videos.length + audios.length) return null;
  if (names.includes("ogg")) return soundOnly ? "ogg" : null;
  const file = await open(path, "r");
  try {
    if (names.includes("webm")) return (await isWebm(file)) ? "webm" : "mkv";
    if (names.includes("mp4")) return await mp4Format(file, probed, soundOnly);
    return null;
  } finally {
    await file.close();
  }
}

async function isWebm(file: FileHandle): Promise<boolean> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(EBML_BYTES), 0, EBML_BYTES, 0);
  const head = buffer.subarray(0, bytesRead);
  // EBML element 0x4282 is the document type; its value is short ASCII text.
  const at = head.indexOf(Buffer.from([0x42, 0x82]));
  return at >= 0 && head.subarray(at + 3, at + 7).toString("latin1") === "webm";
}

async function mp4Format(file: FileHandle, probed: Probed, soundOnly: boolean): Promise<Format | null> {
  if (await isFragmented(file)) return null;
  const brand = probed.majorBrand?.trim() ?? "";
  if (brand === "qt") return "mov";
  if (brand.startsWith("3g")) return null;
  return soundOnly ? "m4a" : "mp4";
}

/** A `moof` (or anything that is no box) means that players may stumble over it. */
export async function isFragmented(file: FileHandle): Promise<boolean> {
  const boxes = await topBoxes(file, MAX_BOXES);
  if (boxes.some(({ type }) => type === "moof" || type === "styp" || type === "sidx")) return true;
  const last = boxes.at(-1);
  const { size } = await file.stat();
  return boxes.length < MAX_BOXES && (last === undefined || last.at + last.size + SLACK_BYTES <= size);
}
