/** Cuts a byte stream into lines without ever holding more than one capped line. */

export class LineSplitter {
  readonly #maxBytes: number;
  readonly #emit: (line: string) => void;
  #kept: Buffer[] = [];
  #length = 0;

  constructor(maxBytes: number, emit: (line: string) => void) {
    this.#maxBytes = maxBytes;
    this.#emit = emit;
  }

  /** LF and CR both end a line: tools redraw their progress with a bare CR. Empty lines are dropped. */
  push(chunk: Buffer): void {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (byte !== 10 && byte !== 13) continue;
      this.#keep(chunk.subarray(from, at));
      this.end();
      from = at + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** Emits what stands after the last line end. */
  end(): void {
    if (this.#length > 0) this.#emit(Buffer.concat(this.#kept).toString("utf8"));
    this.#kept = [];
    this.#length = 0;
  }

  #keep(part: Buffer): void {
    const room = this.#maxBytes - this.#length;
    if (part.length === 0 || room <= 0) return;
    // A copy, as a slice would pin the whole 64 KiB chunk that it came from.
    const kept = Buffer.from(part.subarray(0, room));
    this.#kept.push(kept);
    this.#length += kept.length;
  }
}

/** The last lines of a stream, at most `maxBytes` of them. */
export class Tail {
  readonly #maxBytes: number;
  readonly #lines: string[] = [];
  #length = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(line: string): void {
    this.#lines.push(line);
    this.#length += line.length + 1;
    while (this.#length > this.#maxBytes && this.#lines.length > 1)
      this.#length -= (this.#lines.shift()?.length ?? 0) + 1;
  }

  text(): string {
    return this.#lines.join("\n");
  }
}
