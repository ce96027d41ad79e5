/**
 * The sample tables of one track (ISO/IEC 14496-12 section 8.6 and 8.7): when each sample is decoded and shown, where it
 * lies, and which ones a decoder can begin with. Whatever does not add up makes the whole `null`.
 */
import { type Box, boxesIn } from "../ffmpeg/boxes.ts";
import { firstAt, RunCursor, Runs } from "./runs.ts";

/** Twelve hours of sound; to go through them takes a quarter of a second, in which the node does nothing else. */
const MAX_SAMPLES = 2_000_000;
/** Further apart no picture is decoded and shown: ffmpeg would not believe it either. */
const MAX_DELTA_TICKS = 2 ** 31 - 1;
const FULL_BOX_BYTES = 12;

export interface Sample {
  index: number;
  /** Decoding time, and the time at which it is shown, in ticks of the track. */
  dts: number;
  cts: number;
  /** Until the next one is decoded. */
  duration: number;
  offset: number;
  size: number;
  /** A decoder can begin here. */
  sync: boolean;
  /** It is the first one of a piece that lies together. */
  beginsChunk: boolean;
}

export class SampleTables {
  readonly count: number;
  readonly times: Runs;
  /** Null: all samples are shown when they are decoded. */
  readonly shifts: Runs | null;
  /** Null: every sample is one. */
  readonly #sync: Uint32Array | null;
  readonly #sizes: Sizes;
  readonly #chunks: Chunks;

  private constructor(times: Runs, shifts: Runs | null, sync: Uint32Array | null, sizes: Sizes, chunks: Chunks) {
    this.count = sizes.count;
    this.times = times;
    this.shifts = shifts;
    this.#sync = sync;
    this.#sizes = sizes;
    this.#chunks = chunks;
  }

  /** @param stbl A box of the movie's bytes. */
  static read(bytes: Buffer, stbl: Box): SampleTables | null {
    const boxes = boxesIn(bytes, stbl.at + 8, stbl.at + stbl.size);
    const one = (type: string) => boxes.find((box) => box.type === type);
    const [stts, ctts, stss] = [one("stts"), one("ctts"), one("stss")];
    const times = stts === undefined ? null : Runs.read(bytes, stts);
    const given = ctts === undefined ? null : Runs.read(bytes, ctts, true);
    const shifts = given?.entries === 0 ? null : given;
    const sizes = Sizes.read(bytes, one("stsz"), one("stz2"));
    const chunks = Chunks.read(bytes, one("stsc"), one("stco"), one("co64"));
    if (times === null || sizes === null || chunks === null || (ctts !== undefined && given === null)) return null;
    const { count } = sizes;
    // A table may say more than there is to say; not less.
    if (count === 0 || count > MAX_SAMPLES || times.samples < count || times.most > MAX_DELTA_TICKS) return null;
    if (shifts !== null && shifts.samples < count) return null;
    const sync = stss === undefined ? null : syncSamples(bytes, stss, count);
    if ((stss !== undefined && sync === null) || chunks.samples < count) return null;
    return new SampleTables(times, shifts, sync, sizes, chunks);
  }

  /** Of all samples, ticks. */
  get duration(): number {
    return new RunCursor(this.times).sumBefore(this.count);
  }

  /** The first sample that is decoded at `ticks` or later; the number of samples when none is. */
  firstAt(ticks: number): number {
    return Math.min(this.count, firstAt(this.times, ticks));
  }

  /** All samples have the same size, which no table says. */
  get constantSize(): number | null {
    return this.#sizes.constant;
  }

  get everySampleIsSync(): boolean {
    return this.#sync === null;
  }

  /** The last sample before `before` that a decoder can begin with, and for which `fits` holds; null when there is none. */
  lastSync(before: number, fits: (cts: number) => boolean): number | null {
    const [times, shifts] = [new RunCursor(this.times), new RunCursor(this.shifts)];
    let found: number | null = null;
    const candidates = this.#sync ?? { length: before, at: (index: number) => index };
    for (let at = 0; at < candidates.length; at++) {
      const index = candidates.at(at) ?? before;
      if (index >= before) break;
      if (fits(times.sumBefore(index) + shifts.value(index))) found = index;
    }
    return found;
  }

  /** In decoding order; the same object each time, with other contents. */
  *samples(first: number, last: number): Generator<Readonly<Sample>> {
    const [times, shifts] = [new RunCursor(this.times), new RunCursor(this.shifts)];
    const sample: Sample = {
      index: 0,
      dts: 0,
      cts: 0,
      duration: 0,
      offset: 0,
      size: 0,
      sync: false,
      beginsChunk: false,
    };
    let sync = this.#sync?.findIndex((index) => index >= first) ?? -1;
    for (const { from, to, offset } of this.#chunks.pieces(Math.min(last, this.count))) {
      if (to <= first) continue;
      sample.offset = offset;
      for (let index = from; index < Math.min(to, last); index++) {
        const size = this.#sizes.of(index);
        if (index >= first) {
          sample.index = index;
          sample.dts = times.sumBefore(index);
          sample.cts = sample.dts + shifts.value(index);
          sample.duration = times.value(index);
          sample.size = size;
          sample.sync = this.#sync === null || this.#sync[sync] === index;
          sample.beginsChunk = index === Math.max(from, first);
          if (sample.sync) sync += 1;
          yield sample;
        }
        sample.offset += size;
      }
    }
  }
}

/** Numbers from 0 on, rising; null when they do not rise or there is none. */
function syncSamples(bytes: Buffer, { at, size }: Box, count: number): Uint32Array | null {
  if (size < FULL_BOX_BYTES + 4) return null;
  const entries = bytes.readUInt32BE(at + FULL_BOX_BYTES);
  if (entries === 0 || entries > count || FULL_BOX_BYTES + 4 + entries * 4 > size) return null;
  const found = new Uint32Array(entries);
  let last = 0;
  for (let entry = 0; entry < entries; entry++) {
    const number = bytes.readUInt32BE(at + FULL_BOX_BYTES + 4 + entry * 4);
    if (number <= last || number > count) return null;
    found[entry] = number - 1;
    last = number;
  }
  return found;
}

class Sizes {
  readonly count: number;
  readonly constant: number | null;
  readonly #bytes: Buffer;
  readonly #from: number;
  readonly #bits: number;

  private constructor(bytes: Buffer, from: number, count: number, bits: number, constant: number | null) {
    this.#bytes = bytes;
    this.#from = from;
    this.count = count;
    this.#bits = bits;
    this.constant = constant;
  }

  static read(bytes: Buffer, stsz: Box | undefined, stz2: Box | undefined): Sizes | null {
    const box = stsz ?? stz2;
    const from = (box?.at ?? 0) + FULL_BOX_BYTES + 8;
    if (box === undefined || box.size < FULL_BOX_BYTES + 8) return null;
    const [word, count] = [bytes.readUInt32BE(from - 8), bytes.readUInt32BE(from - 4)];
    if (box === stsz && word > 0) return new Sizes(bytes, from, count, 0, word);
    const bits = box === stsz ? 32 : word & 0xff;
    const fits = from + Math.ceil((count * bits) / 8) <= box.at + box.size;
    return [4, 8, 16, 32].includes(bits) && fits ? new Sizes(bytes, from, count, bits, null) : null;
  }

  of(sample: number): number {
    if (this.constant !== null) return this.constant;
    if (this.#bits === 32) return this.#bytes.readUInt32BE(this.#from + sample * 4);
    if (this.#bits === 16) return this.#bytes.readUInt16BE(this.#from + sample * 2);
    if (this.#bits === 8) return this.#bytes.readUInt8(this.#from + sample);
    const pair = this.#bytes.readUInt8(this.#from + (sample >> 1));
    return sample % 2 === 0 ? pair >> 4 : pair & 0xf;
  }
}

const CHUNK_RUN_BYTES = 12;

class Chunks {
  /** So many there is room for; the last chunk may have fewer than are said of it. */
  readonly samples: number;
  readonly #bytes: Buffer;
  readonly #runs: number;
  readonly #runsFrom: number;
  readonly #count: number;
  readonly #offset: (chunk: number) => number;

  private constructor(bytes: Buffer, runs: Box, count: number, offset: (chunk: number) => number) {
    this.#bytes = bytes;
    this.#runs = bytes.readUInt32BE(runs.at + FULL_BOX_BYTES);
    this.#runsFrom = runs.at + FULL_BOX_BYTES + 4;
    this.#count = count;
    this.#offset = offset;
    let samples = 0;
    for (let run = 0; run < this.#runs; run++) samples += (this.#first(run + 1) - this.#first(run)) * this.#each(run);
    this.samples = samples;
  }

  static read(bytes: Buffer, stsc: Box | undefined, stco: Box | undefined, co64: Box | undefined): Chunks | null {
    const offsets = stco ?? co64;
    if (stsc === undefined || offsets === undefined) return null;
    if (Math.min(stsc.size, offsets.size) < FULL_BOX_BYTES + 4) return null;
    const [runs, count] = [stsc, offsets].map(({ at }) => bytes.readUInt32BE(at + FULL_BOX_BYTES));
    if (!runs || !count || FULL_BOX_BYTES + 4 + runs * CHUNK_RUN_BYTES > stsc.size) return null;
    const width = stco === undefined ? 8 : 4;
    if (FULL_BOX_BYTES + 4 + count * width > offsets.size) return null;
    const from = offsets.at + FULL_BOX_BYTES + 4;
    const offset = (chunk: number) =>
      width === 4 ? bytes.readUInt32BE(from + chunk * 4) : Number(bytes.readBigUInt64BE(from + chunk * 8));
    const chunks = new Chunks(bytes, stsc, count, offset);
    return chunks.#areSound() ? chunks : null;
  }

  /** Samples of each chunk, `from` included, `to` not, until `last` is among them. */
  *pieces(last: number): Generator<{ from: number; to: number; offset: number }> {
    let from = 0;
    for (let run = 0; run < this.#runs; run++) {
      const each = this.#each(run);
      for (let chunk = this.#first(run); chunk < this.#first(run + 1); chunk++) {
        if (from >= last) return;
        yield { from, to: from + each, offset: this.#offset(chunk) };
        from += each;
      }
    }
  }

  /** The first chunk of a run, counted from 0; of the one past the last, how many chunks there are. */
  #first(run: number): number {
    return run >= this.#runs ? this.#count : this.#bytes.readUInt32BE(this.#runsFrom + run * CHUNK_RUN_BYTES) - 1;
  }

  #each(run: number): number {
    return this.#bytes.readUInt32BE(this.#runsFrom + run * CHUNK_RUN_BYTES + 4);
  }

  /** Chunks rise, none is empty, and all are of the one kind of sample that there is. */
  #areSound(): boolean {
    if (this.#first(0) !== 0 || !Number.isSafeInteger(this.samples)) return false;
    for (let run = 0; run < this.#runs; run++) {
      if (this.#first(run) >= this.#first(run + 1) || this.#each(run) === 0) return false;
      if (this.#bytes.readUInt32BE(this.#runsFrom + run * CHUNK_RUN_BYTES + 8) !== 1) return false;
    }
    return true;
  }
}
