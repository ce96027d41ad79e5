/**
 * One H.264 stream out of several files: fragmented MP4, in which each fragment names its own decoding time, so that files
 * of the same track can be read one after the other once their clocks agree. Only on files that our own ffmpeg wrote with
 * `FRAGMENTED`.
 */
import { constants } from "node:fs";
import { type FileHandle, open, writeFile } from "node:fs/promises";
import { type AvcConfig, joinAvcConfigs, parseAvcConfig } from "./avc.ts";
import { type Box, boxesIn, findPath, replaceContent, topBoxes } from "./boxes.ts";

/** `skip_trailer`: the index at the end has offsets that are true for the file alone. */
export const FRAGMENTED = [
  ...["-movflags", "frag_keyframe+empty_moov+default_base_moof+skip_trailer"],
  ...["-f", "mp4", "-y"],
];

const AVC_CONFIG = ["moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1", "avcC"];
/** No `moov` of one track is longer, no `moof` of one group of pictures. */
const MAX_INDEX_BYTES = 16 * 1024 * 1024;
/** Parameter sets and messages before the first slice. */
const FIRST_PICTURE_BYTES = 64 * 1024;
const SLICE_TYPES = { plain: 1, idr: 5 };

export interface Part {
  path: string;
  ftyp: Buffer;
  moov: Buffer;
  config: AvcConfig;
  pictures: number;
  /** A decoder can begin here without anything that came before. */
  beginsWithIdr: boolean;
  /** Where the decoding time of each fragment stands, and what it is. */
  clocks: { at: number; ticks: bigint }[];
}

/** Null when the file is not as we expect it. */
export async function readPart(path: string): Promise<Part | null> {
  const file = await open(path, "r");
  try {
    const boxes = await topBoxes(file);
    const [ftyp, moov] = await Promise.all(["ftyp", "moov"].map((type) => content(file, boxes, type)));
    const config = moov == null ? null : avcConfig(moov);
    if (ftyp == null || moov == null || config === null) return null;
    const fragments = [];
    for (const box of boxes.filter(({ type }) => type === "moof")) fragments.push(await readFragment(file, box));
    const known = fragments.filter((one) => one !== null);
    if (known.length === 0 || known.length !== fragments.length) return null;
    return {
      path,
      ftyp,
      moov,
      config,
      pictures: known.reduce((sum, one) => sum + one.pictures, 0),
      beginsWithIdr: await beginsWithIdr(file, boxes),
      clocks: known.map((one) => one.clock),
    };
  } finally {
    await file.close();
  }
}

/**
 * Sets the clocks of the parts to where they belong and writes the beginning that they share.
 *
 * @param parts In order, each with the decoding time of its first picture. The first one's headers count.
 * @returns the addresses to read one after the other, or null when their parameter sets do not go together.
 */
export async function joinParts(
  parts: readonly { part: Part; dts: number }[],
  shape: Part,
  headFile: string,
): Promise<string[] | null> {
  const config = joinAvcConfigs(
    shape.config,
    parts.map(({ part }) => part.config),
  );
  const moov = config === null ? null : replaceContent(shape.moov, AVC_CONFIG, config);
  const base = parts[0]?.dts;
  if (moov === null || base === undefined) return null;
  await writeFile(headFile, Buffer.concat([shape.ftyp, moov]), { flag: "wx" });
  for (const { part, dts } of parts) await setClock(part, BigInt(dts - base));
  return [headFile, ...parts.map(({ part }) => part.path)];
}

async function setClock(part: Part, begin: bigint): Promise<void> {
  // Never through a link: the folder is shared with the tools.
  const file = await open(part.path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const own = part.clocks[0]?.ticks ?? 0n;
    const bytes = Buffer.alloc(8);
    for (const { at, ticks } of part.clocks) {
      bytes.writeBigUInt64BE(ticks - own + begin);
      await file.write(bytes, 0, 8, at);
    }
    // Its own beginning is passed over: there is one for all.
    for (const { type, at } of await topBoxes(file, 2)) {
      if (type === "ftyp" || type === "moov") await file.write("free", at + 4, "latin1");
    }
  } finally {
    await file.close();
  }
}

async function content(file: FileHandle, boxes: readonly Box[], type: string): Promise<Buffer | null> {
  const box = boxes.find((one) => one.type === type);
  if (box === undefined || box.size > MAX_INDEX_BYTES) return null;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(box.size), 0, box.size, box.at);
  return bytesRead === box.size ? buffer : null;
}

function avcConfig(moov: Buffer): AvcConfig | null {
  const box = findPath(moov, AVC_CONFIG)?.at(-1);
  return box === undefined ? null : parseAvcConfig(moov.subarray(box.at + 8, box.at + box.size));
}

async function readFragment(file: FileHandle, moof: Box) {
  if (moof.size > MAX_INDEX_BYTES) return null;
  const { buffer: bytes } = await file.read(Buffer.alloc(moof.size), 0, moof.size, moof.at);
  const track = findPath(bytes, ["moof", "traf"])?.at(-1);
  if (track === undefined) return null;
  const inside = boxesIn(bytes, track.at + 8, track.at + track.size);
  const clock = inside.find(({ type }) => type === "tfdt");
  const runs = inside.filter(({ type }) => type === "trun");
  // Version 1 has room for 64 bits; ffmpeg writes no other.
  if (clock === undefined || bytes[clock.at + 8] !== 1 || runs.length === 0) return null;
  return {
    clock: { at: moof.at + clock.at + 12, ticks: bytes.readBigUInt64BE(clock.at + 12) },
    pictures: runs.reduce((sum, run) => sum + bytes.readUInt32BE(run.at + 12), 0),
  };
}

/** Looks at the first slice: a keyframe may also be one that only recovers (section 7.4.1.2.1 of H.264). */
async function beginsWithIdr(file: FileHandle, boxes: readonly Box[]): Promise<boolean> {
  const data = boxes.find(({ type }) => type === "mdat");
  if (data === undefined) return false;
  const length = Math.min(FIRST_PICTURE_BYTES, data.size - 8);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, data.at + 8);
  for (let at = 0; at + 5 <= bytesRead; at += 4 + buffer.readUInt32BE(at)) {
    const type = (buffer[at + 4] ?? 0) & 0x1f;
    if (type >= SLICE_TYPES.plain && type <= SLICE_TYPES.idr) return type === SLICE_TYPES.idr;
  }
  return false;
}
