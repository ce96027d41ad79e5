/** Reads what a run of yt-dlp prints (`arguments.ts` sets the templates) and tells of it as steps and progress. */
import type { MediaEvents, StepProgress } from "../run-attempt.ts";
import { RETRY_LINE } from "../ytdlp/command-line.ts";
import type { DownloadProgress } from "../ytdlp/port.ts";
import { parseProgress } from "../ytdlp/progress.ts";
import { FILE_MARK, MEDIA_MARK, WORK_MARK } from "./arguments.ts";
import type { Requested } from "./requested.ts";

/** yt-dlp's own names are shorter than half of this. */
const NAME = /^[A-Za-z0-9_]{1,50}$/;
const NOT_WANTED = /^\[\w+\] (.*(?:does not pass filter|is not in range|skipping).*)$/i;
const TOO_LARGE = "larger than max-filesize";

interface Format {
  id: string;
  /** By its size where all sizes are known, else the same for all. */
  share: number;
}

export class RunFollower {
  /** Paths of finished media, as they were told. */
  readonly files: string[] = [];
  retries = 0;
  /** Why yt-dlp would not take it, in its own words. */
  notWanted: string | null = null;
  /** When the first format was there whole, and by what clock the media were. */
  downloadedAt: number | null = null;
  bytes = 0;
  /** The media are there, and yt-dlp is at what comes after. */
  working = false;
  readonly #formats: readonly Format[];
  readonly #done = new Map<string, DownloadProgress>();
  readonly #events: MediaEvents;

  constructor(requested: readonly Requested[], events: MediaEvents) {
    this.#events = events;
    const formats = requested.flatMap((one) => one.formats);
    const sizes = formats.map(({ size }) => size?.bytes ?? 0);
    const total = sizes.every((size) => size > 0) ? sizes.reduce((sum, size) => sum + size, 0) : 0;
    this.#formats = formats.map(({ id }, at) => ({
      id,
      share: total > 0 ? (sizes[at] ?? 0) / total : 1 / formats.length,
    }));
  }

  stdout(line: string): void {
    if (line.startsWith(MEDIA_MARK)) this.#media(line.slice(MEDIA_MARK.length));
    else if (line.startsWith(WORK_MARK)) this.#work(parse(line.slice(WORK_MARK.length)));
    else if (line.startsWith(FILE_MARK)) {
      const path = parse(line.slice(FILE_MARK.length));
      if (typeof path === "string") this.files.push(path);
    } else this.said(line);
  }

  said(line: string): void {
    if (RETRY_LINE.test(line)) this.retries += 1;
    this.notWanted ??= line.includes(TOO_LARGE)
      ? "File is larger than max-filesize"
      : (NOT_WANTED.exec(line)?.[1] ?? null);
  }

  #media(json: string): void {
    const told = parse(json);
    if (!Array.isArray(told) || typeof told[1] !== "object") return;
    const id = String(told[0]);
    const now = parseProgress(JSON.stringify(told[1]));
    // Of subtitles and pictures there is progress too; they are no part of the bar.
    if (now === null || (this.#formats.length > 0 && !this.#formats.some((one) => one.id === id))) return;
    this.#done.set(id, now);
    this.bytes = [...this.#done.values()].reduce((sum, one) => sum + (one.bytes ?? 0), 0);
    this.downloadedAt = performance.now();
    this.#events.onProgress({
      fraction: this.#fraction(now),
      bytes: this.bytes,
      total_bytes: this.#formats.length > 1 ? null : now.totalBytes,
      speed_bytes_per_second: now.speedBytesPerSecond,
      eta_seconds: now.etaSeconds,
    });
  }

  /** One bar for all formats, which come one after the other. */
  #fraction(now: DownloadProgress): number | null {
    if (now.fraction === null) return null;
    if (this.#formats.length === 0) return now.fraction;
    return this.#formats.reduce((sum, { id, share }) => sum + share * (this.#done.get(id)?.fraction ?? 0), 0);
  }

  #work(told: unknown): void {
    const { postprocessor, status } = (told ?? {}) as Record<string, unknown>;
    // What is done to words and pictures comes before the media; the bar stays theirs.
    if (this.downloadedAt === null || status !== "started" || typeof postprocessor !== "string") return;
    this.working = true;
    // Files that come to their place are no work on the media.
    if (!NAME.test(postprocessor) || postprocessor === "MoveFiles") return;
    this.#events.onStep("mux");
    this.#events.onProgress({ ...UNKNOWN, postprocessor });
  }
}

export const UNKNOWN: StepProgress = {
  fraction: null,
  bytes: null,
  total_bytes: null,
  speed_bytes_per_second: null,
  eta_seconds: null,
};

/** Undefined for what is no JSON: the mark may also stand in a site's text. */
function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
