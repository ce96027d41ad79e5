/** Whether there is room on the disk to begin a job: a node that has none asks for no work, and says so. */
import type { Log } from "../log.ts";

/** A node takes no work with less free than this. `TRAWL_MIN_FREE_MB` overrides it. */
export const MIN_FREE_DISK_MIB = 512;
/** It takes work again with so much more, lest it begin with each megabyte that comes free. */
const ENOUGH_SHARE = 1.25;
const MIB = 1_048_576;

export interface DiskGateOptions {
  /** Where attempts write. */
  dir: string;
  /** Defaults to {@link MIN_FREE_DISK_MIB}. */
  minFreeMib?: number | undefined;
  /** Bytes that may still be written there. */
  free(dir: string): Promise<number>;
  log: Log;
}

export class DiskGate {
  readonly #options: DiskGateOptions;
  readonly #minFreeMib: number;
  #reason: string | null = null;

  constructor(options: DiskGateOptions) {
    this.#options = options;
    this.#minFreeMib = options.minFreeMib ?? MIN_FREE_DISK_MIB;
  }

  /** As of the last look. */
  get reason(): string | null {
    return this.#reason;
  }

  /** Looks at the disk. Answers why nothing may begin, in words for the operator; null: there is room. */
  async look(): Promise<string | null> {
    const { dir, free, log } = this.#options;
    // A disk that cannot even be asked is no place to begin on.
    const freeMib = Math.floor((await free(dir).catch(() => 0)) / MIB);
    const wanted = this.#minFreeMib * (this.#reason === null ? 1 : ENOUGH_SHARE);
    const was = this.#reason;
    this.#reason =
      freeMib >= wanted ? null : `${freeMib} MiB of disk are free; it takes no work under ${Math.ceil(wanted)} MiB`;
    if ((was === null) !== (this.#reason === null)) {
      log(this.#reason === null ? "info" : "warn", this.#reason === null ? "disk.enough" : "disk.low", {
        free_mib: freeMib,
        min_free_mib: this.#minFreeMib,
      });
    }
    return this.#reason;
  }
}
