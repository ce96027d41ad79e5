/** One go at a file that is taken to stay the same: its ranges, its connections, its repeats. */
import type { FileHandle } from "node:fs/promises";
import { FetchError } from "./fetch-error.ts";
import { FIRST_RANGE_BYTES } from "./limits.ts";
import type { Meter } from "./meter.ts";
import { type Entity, type RangeSink, RangeSource, type RangeSourceOptions } from "./range-source.ts";
import { type ByteRange, RangeQueue } from "./ranges.ts";
import { writeBody } from "./write-body.ts";

export interface EntityOptions extends RangeSourceOptions {
  file: FileHandle;
  meter: Meter;
  maxBytes: number | null;
  maxRangeBytes: number | null;
  ensureRoom(bytes: number | null): Promise<void>;
  connections: number;
}

export class EntityFetch {
  readonly #options: EntityOptions;
  readonly #source: RangeSource;
  readonly #sink: RangeSink;
  readonly #helpers: Promise<void>[] = [];
  #queue: RangeQueue | null = null;
  #running = 0;
  #most = 0;

  constructor(options: EntityOptions) {
    this.#options = options;
    this.#source = new RangeSource(options);
    this.#sink = {
      onBegin: (entity, end) => this.#begin(entity, end),
      receive: (body, at, end, onKept) =>
        writeBody(body, {
          file: options.file,
          offset: at,
          maxBytes: end - at,
          onWritten: (bytes) => {
            onKept(bytes);
            this.#count(bytes);
          },
        }),
    };
  }

  get repeats(): number {
    return this.#source.repeats;
  }

  /** No connection of it is left when this settles. */
  async run(): Promise<{ size: number; connections: number }> {
    const { ranges, maxRangeBytes } = this.#options;
    const first = ranges ? Math.min(FIRST_RANGE_BYTES, maxRangeBytes ?? FIRST_RANGE_BYTES) : Number.POSITIVE_INFINITY;
    await this.#source.orEndAll(this.#work({ start: 0, end: first }));
    await Promise.all(this.#helpers);
    this.#source.throwIfEnded();
    return { size: this.#options.meter.bytes, connections: this.#most };
  }

  /** One connection's life: range after range until all are handed out. */
  async #work(first: ByteRange | null): Promise<void> {
    for (let range = first ?? this.#queue?.take(); range; range = this.#queue?.take() ?? null) {
      this.#most = Math.max(this.#most, ++this.#running);
      try {
        await this.#source.fetch(range, this.#sink);
      } finally {
        this.#running--;
      }
    }
  }

  /** The file is known: starts the other connections. */
  async #begin({ total, ranged }: Entity, end: number): Promise<void> {
    const { meter, maxBytes, file, ensureRoom, connections, maxRangeBytes } = this.#options;
    if (maxBytes !== null && total !== null && total > maxBytes) throw new FetchError("too-large", "Too large");
    await ensureRoom(total);
    if (total !== null) await file.truncate(total);
    meter.begin(total);
    if (!ranged || total === null || end >= total) return;
    this.#queue = new RangeQueue({ ranges: [{ start: end, end: total }], connections, maxRangeBytes });
    for (let helper = 1; helper < connections; helper++) this.#helpers.push(this.#source.orEndAll(this.#work(null)));
  }

  #count(bytes: number): void {
    const { meter, maxBytes } = this.#options;
    meter.add(bytes);
    if (maxBytes !== null && meter.bytes > maxBytes) throw new FetchError("too-large", "Too large");
  }
}
