/**
 * Socket → stream in large reads. Node reads 64 KiB at a time into fresh memory, whatever the buffers of its streams; its
 * `onread` reads as much as it is given room for, into memory that is used again: 130 ms of processor time for 400 MB in
 * place of 345 ms (docs/decisions/081).
 */
import type { OnReadOpts, Socket } from "node:net";
import type { Writable } from "node:stream";

const READ_BYTES = 512 * 1024;

export class Pump {
  /** For `connect`: it must be known before the socket is. */
  readonly onread: OnReadOpts;
  readonly #sink: Writable;
  readonly #free: Buffer[] = [];
  #source: Socket | null = null;

  constructor(sink: Writable) {
    this.#sink = sink;
    this.onread = {
      buffer: () => this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES),
      callback: (bytes, buffer) => this.#write(bytes, buffer as Buffer),
    };
  }

  /** Ends the sink with the source, and destroys it when the source broke off. */
  join(source: Socket): void {
    this.#source = source;
    source.once("end", () => this.#sink.end());
    source.once("error", () => this.#sink.destroy());
    source.once("close", () => {
      if (!source.readableEnded) this.#sink.destroy();
    });
  }

  /** False stops the reading until the sink has drained. */
  #write(bytes: number, buffer: Buffer): boolean {
    if (this.#sink.destroyed) return false;
    const more = this.#sink.write(buffer.subarray(0, bytes), () => this.#free.push(buffer));
    if (!more) this.#sink.once("drain", () => this.#source?.resume());
    return more;
  }
}
