/** A live stream while yt-dlp records it: it ends by itself, or by one SIGINT, on which yt-dlp finishes the file. */
import { liveCapSeconds } from "../../../shared/live-cap.ts";
import { FILE_LIMIT_SHARE } from "../live/limits.ts";
import type { MediaRequest } from "../run-attempt.ts";
import type { RunFollower } from "./follow.ts";

/** Node's timers know no more than 2^31 − 1 ms; a day is less. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** What a stream of 4 Mbit/s sends between two looks at its file. */
const LATE_BYTES = 256 * 1024;

/** At this size of its file a recording has to be ended, so as not to pass the limit. */
export function recordingLimit(maxBytes: number): number {
  return Math.min(maxBytes * FILE_LIMIT_SHARE, maxBytes - LATE_BYTES);
}

export class Recording {
  readonly #interrupt = new AbortController();
  readonly #follower: RunFollower;
  readonly #timer: NodeJS.Timeout;
  readonly #ends: AbortSignal | undefined;

  constructor({ options, maxDurationSeconds, endRecording }: MediaRequest, follower: RunFollower) {
    this.#follower = follower;
    // By the clock: yt-dlp does not tell how long it has recorded.
    const seconds = liveCapSeconds(options, maxDurationSeconds);
    this.#timer = setTimeout(this.end, Math.min(seconds * 1000, MAX_TIMER_MS));
    this.#ends = endRecording;
    if (endRecording?.aborted) this.end();
    endRecording?.addEventListener("abort", this.end, { once: true });
  }

  get interrupt(): AbortSignal {
    return this.#interrupt.signal;
  }

  /** What it has is enough. One that is over already is being finished, and a signal would end that. */
  readonly end = (): void => {
    if (!this.#follower.working) this.#interrupt.abort();
  };

  close(): void {
    clearTimeout(this.#timer);
    this.#ends?.removeEventListener("abort", this.end);
  }
}
