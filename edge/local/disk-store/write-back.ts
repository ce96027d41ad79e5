/**
 * Sends what has been written to the disk while more is coming in: left to the commit, the `fsync` of a large file begins
 * when its last byte is here, and everyone waits for the disk that has been idle until then.
 */
import { open } from "node:fs/promises";
import { WRITE_BACK_BYTES } from "./limits.ts";

export class WriteBack {
  readonly #path: string;
  #dirty = 0;
  #running: Promise<void> | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** One flight at a time: what comes meanwhile goes with the next. */
  written(bytes: number): void {
    this.#dirty += bytes;
    if (this.#dirty < WRITE_BACK_BYTES || this.#running !== null) return;
    this.#dirty = 0;
    this.#running = this.#sync().finally(() => {
      this.#running = null;
    });
  }

  /** No flight is under way any more. */
  async settled(): Promise<void> {
    await this.#running;
  }

  async #sync(): Promise<void> {
    try {
      const file = await open(this.#path, "r+");
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch {
      // The commit syncs the same file, meets the same fault and reports it.
    }
  }
}
