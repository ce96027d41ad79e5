/** Reads ffmpeg's `-progress` blocks: `key=value` lines, each block closed by `progress=continue` or `progress=end`. */

export interface FfmpegProgress {
  /** Position in the output, seconds. */
  seconds: number;
  bytes: number;
}

export class ProgressReader {
  readonly #tell: (progress: FfmpegProgress) => void;
  #seconds = 0;
  #bytes = 0;

  constructor(tell: (progress: FfmpegProgress) => void) {
    this.#tell = tell;
  }

  line(line: string): void {
    const [key, value = ""] = line.split("=", 2);
    const number = Number(value);
    // `out_time_ms` is microseconds too, a slip of old that ffmpeg keeps; `N/A` before the first packet.
    if (key === "out_time_us" && Number.isFinite(number)) this.#seconds = Math.max(0, number / 1_000_000);
    else if (key === "total_size" && Number.isFinite(number)) this.#bytes = Math.max(0, number);
    else if (key === "progress") this.#tell({ seconds: this.#seconds, bytes: this.#bytes });
  }
}
