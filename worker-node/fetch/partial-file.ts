/** Parts of one file on a server that gives ranges known to be of the same bytes: into memory, or into a file of ours. */
import type { FileHandle } from "node:fs/promises";
import { callDelay } from "../fleet/backoff.ts";
import { FetchError } from "./fetch-error.ts";
import type { FetchRequest, FetchTuning } from "./fetch-file.ts";
import { MAX_CONNECTIONS_PER_FILE, STALL_TIMEOUT_MS } from "./limits.ts";
import { Meter } from "./meter.ts";
import { type RangeSink, RangeSource } from "./range-source.ts";
import { type ByteRange, RangeQueue } from "./ranges.ts";
import { type FetchWay, sourceHeaders } from "./send.ts";
import { writeBody } from "./write-body.ts";

export type PartialRequest = Pick<
  FetchRequest,
  "url" | "headers" | "cookies" | "maxRangeBytes" | "onProgress" | "signal"
>;

export class PartialFile {
  readonly #source: RangeSource;
  readonly #meter: Meter;
  readonly #connections: number;
  readonly #maxRangeBytes: number | null;
  #total = 0;

  constructor(way: FetchWay, request: PartialRequest, tuning: FetchTuning = {}) {
    this.#source = new RangeSource({
      way,
      start: { url: new URL(request.url), headers: sourceHeaders(request.headers) },
      ranges: true,
      cookies: request.cookies,
      signal: request.signal,
      stallMs: tuning.stallMs ?? STALL_TIMEOUT_MS,
      backoffMs: tuning.backoffMs ?? callDelay,
    });
    this.#meter = new Meter(request.onProgress);
    this.#connections = tuning.connections ?? MAX_CONNECTIONS_PER_FILE;
    this.#maxRangeBytes = request.maxRangeBytes;
  }

  /** Bytes of the whole file, once it is open. */
  get total(): number {
    return this.#total;
  }

  /** Bytes that came so far. */
  get fetched(): number {
    return this.#meter.bytes;
  }

  get retries(): number {
    return this.#source.repeats;
  }

  /**
   * Asks for the first bytes, by which the server shows what it can.
   *
   * @throws FetchError `unsuitable` where there are no ranges, before a body is read; what {@link RangeSource.fetch} throws.
   */
  async open(bytes: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    const end = Math.min(bytes, this.#maxRangeBytes ?? bytes);
    await this.#source.fetch(
      { start: 0, end },
      {
        onBegin: async ({ total, ranged }, last) => {
          if (!ranged || total === null || last > end) throw new FetchError("unsuitable", "The source gives no ranges");
          this.#total = total;
        },
        receive: this.#intoMemory(parts),
      },
    );
    return Buffer.concat(parts);
  }

  /** Reads a range that lies within the file into memory: the caller bounds it. */
  async read(range: ByteRange): Promise<Buffer> {
    const parts: Buffer[] = [];
    const queue = new RangeQueue({ ranges: [range], connections: 1, maxRangeBytes: this.#maxRangeBytes });
    for (let piece = queue.take(); piece !== null; piece = queue.take())
      await this.#source.fetch(piece, { receive: this.#intoMemory(parts) });
    return Buffer.concat(parts);
  }

  /**
   * Writes ranges one behind the other from `offset` on, several connections at once. No connection is left when this settles.
   *
   * @param ranges In order, apart, none of them empty, all within the file.
   */
  async writeInto(file: FileHandle, offset: number, ranges: readonly ByteRange[]): Promise<void> {
    const queue = new RangeQueue({ ranges, connections: this.#connections, maxRangeBytes: this.#maxRangeBytes });
    const sink: RangeSink = {
      receive: (body, at, end, onKept) =>
        writeBody(body, {
          file,
          offset: offset + placeOf(at, ranges),
          maxBytes: end - at,
          onWritten: (bytes) => {
            onKept(bytes);
            this.#meter.add(bytes);
          },
        }),
    };
    const work = async (): Promise<void> => {
      for (let range = queue.take(); range !== null; range = queue.take()) await this.#source.fetch(range, sink);
    };
    await Promise.all(Array.from({ length: this.#connections }, () => this.#source.orEndAll(work())));
    this.#source.throwIfEnded();
  }

  /** So many bytes more will be asked for; until then nobody knew. */
  expect(bytes: number): void {
    const known = this.#meter.bytes;
    this.#meter.begin(known + bytes);
    this.#meter.add(known);
  }

  /** Tells of the end: all is here. */
  end(): void {
    this.#meter.end();
  }

  #intoMemory(parts: Buffer[]): RangeSink["receive"] {
    return async (body, at, end, onKept) => {
      let room = end - at;
      for await (const chunk of body) {
        const kept = chunk.subarray(0, room);
        room -= kept.length;
        parts.push(kept);
        onKept(kept.length);
        this.#meter.add(kept.length);
        if (room <= 0) break;
      }
    };
  }
}

/** Where a byte of the file stands when the ranges lie one behind the other. */
export function placeOf(at: number, ranges: readonly ByteRange[]): number {
  let place = 0;
  for (const { start, end } of ranges) {
    if (at < end) return place + Math.max(0, at - start);
    place += end - start;
  }
  return place;
}
