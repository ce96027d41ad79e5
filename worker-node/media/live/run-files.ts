/** What one playlist left on disk: a file for each piece of the stream that has one timeline. */
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";

/** One file: media that follow each other without a break. */
export interface Run {
  path: string;
  /** Renditions of one stream share these numbers (RFC 8216, 6.2.4). */
  discontinuity: number;
  /** By the playlist's word. */
  seconds: number;
  bytes: number;
}

export class RunFiles {
  readonly runs: Run[] = [];
  readonly #dir: string;
  readonly #name: string;
  #file: FileHandle | null = null;

  /** @param name A fixed name of ours; files are called `<name>-<n>`. */
  constructor(dir: string, name: string) {
    this.#dir = dir;
    this.#name = name;
  }

  async begin(discontinuity: number): Promise<void> {
    await this.close();
    const path = join(this.#dir, `${this.#name}-${this.runs.length}`);
    this.#file = await open(path, "wx", 0o600);
    this.runs.push({ path, discontinuity, seconds: 0, bytes: 0 });
  }

  async append(bytes: Buffer, seconds: number): Promise<void> {
    const run = this.runs.at(-1);
    if (run === undefined || this.#file === null) throw new Error("no run was begun");
    await this.#file.appendFile(bytes);
    run.bytes += bytes.length;
    run.seconds += seconds;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}
