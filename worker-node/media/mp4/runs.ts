/**
 * Run-length tables of MP4 (`stts`, `ctts`): so many samples with this value. They are read where they lie, never spread out:
 * a count is 32 bits of a stranger's.
 */
import type { Box } from "../ffmpeg/boxes.ts";

const FULL_BOX_BYTES = 12;
const COUNT_BYTES = 4;
const ENTRY_BYTES = 8;

export class Runs {
  /** Samples in all. */
  readonly samples: number;
  /** Of all samples. */
  readonly sum: number;
  readonly least: number;
  readonly most: number;
  readonly #bytes: Buffer;
  readonly #from: number;
  readonly #entries: number;
  readonly #signed: boolean;

  private constructor(bytes: Buffer, from: number, entries: number, signed: boolean) {
    this.#bytes = bytes;
    this.#from = from;
    this.#entries = entries;
    this.#signed = signed;
    let [samples, sum, least, most] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let entry = 0; entry < entries; entry++) {
      const count = this.count(entry);
      if (count === 0) continue;
      const value = this.value(entry);
      samples += count;
      sum += count * value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    [this.samples, this.sum, this.least, this.most] = [samples, sum, least, most];
  }

  /** Null when the box is shorter than what it says, or its sum beyond all sense. */
  static read(bytes: Buffer, box: Box, signed = false): Runs | null {
    const from = box.at + FULL_BOX_BYTES + COUNT_BYTES;
    if (box.size < FULL_BOX_BYTES + COUNT_BYTES) return null;
    const entries = bytes.readUInt32BE(box.at + FULL_BOX_BYTES);
    if (from + entries * ENTRY_BYTES > box.at + box.size) return null;
    const runs = new Runs(bytes, from, entries, signed);
    return Number.isSafeInteger(runs.samples) && Number.isSafeInteger(runs.sum) ? runs : null;
  }

  get entries(): number {
    return this.#entries;
  }

  count(entry: number): number {
    return this.#bytes.readUInt32BE(this.#from + entry * ENTRY_BYTES);
  }

  value(entry: number): number {
    const at = this.#from + entry * ENTRY_BYTES + 4;
    return this.#signed ? this.#bytes.readInt32BE(at) : this.#bytes.readUInt32BE(at);
  }
}

/** Goes through the samples of {@link Runs} in order; asked for them in order it reads each entry once. */
export class RunCursor {
  readonly #runs: Runs | null;
  #entry = 0;
  /** The first sample of the entry, and the sum of all before it. */
  #first = 0;
  #before = 0;

  /** @param runs Null: all values are 0. */
  constructor(runs: Runs | null) {
    this.#runs = runs;
  }

  value(sample: number): number {
    return this.#seek(sample)?.value(this.#entry) ?? 0;
  }

  /** Of all samples before this one. */
  sumBefore(sample: number): number {
    const runs = this.#seek(sample);
    return runs === null ? this.#before : this.#before + (sample - this.#first) * runs.value(this.#entry);
  }

  /** Null past the end. */
  #seek(sample: number): Runs | null {
    const runs = this.#runs;
    if (runs === null) return null;
    if (sample < this.#first) [this.#entry, this.#first, this.#before] = [0, 0, 0];
    while (this.#entry < runs.entries) {
      const count = runs.count(this.#entry);
      if (sample < this.#first + count) return runs;
      this.#first += count;
      this.#before += count * runs.value(this.#entry);
      this.#entry += 1;
    }
    return null;
  }
}

/** The first sample whose sum of all before it is at least `sum`, where no value is below 0; all of them if none is. */
export function firstAt(runs: Runs, sum: number): number {
  let [first, before] = [0, 0];
  for (let entry = 0; entry < runs.entries; entry++) {
    const [count, value] = [runs.count(entry), runs.value(entry)];
    if (before >= sum) return first;
    if (before + count * value >= sum) return Math.min(first + count, first + Math.ceil((sum - before) / value));
    first += count;
    before += count * value;
  }
  return first;
}
