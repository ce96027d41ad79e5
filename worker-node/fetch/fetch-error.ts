/** Why a direct fetch ended, told apart by what the caller does next. */

/**
 * `refused`: by the egress guard. `status`: the server's final no. `too-large`: over the job's limit. `unsuitable`: not for
 * us, though another downloader may manage. `network`: given up after repeats.
 */
export type FetchReason = "refused" | "status" | "too-large" | "unsuitable" | "network";

export class FetchError extends Error {
  override readonly name = "FetchError";
  readonly reason: FetchReason;
  /** HTTP status; null where none came. */
  readonly status: number | null;
  readonly retryAfterMs: number | null;

  constructor(
    reason: FetchReason,
    message: string,
    more: { status?: number; retryAfterMs?: number | null; cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.reason = reason;
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}

/** What is on the other side is no longer what was begun, or never was what it said: the file is begun again. */
export class StartOver extends Error {
  override readonly name = "StartOver";
  /** The server's ranges are not to be relied on: next time without. */
  readonly ranges: boolean;

  constructor(message: string, ranges: boolean) {
    super(message);
    this.ranges = ranges;
  }
}

/** A fault that may pass; `fetch-file.ts` counts and repeats. */
export class PassingFault extends Error {
  override readonly name = "PassingFault";
  readonly status: number | null;
  readonly retryAfterMs: number | null;

  constructor(message: string, more: { status?: number; retryAfterMs?: number | null; cause?: unknown } = {}) {
    super(message, { cause: more.cause });
    this.status = more.status ?? null;
    this.retryAfterMs = more.retryAfterMs ?? null;
  }
}

/** Statuses after which the same question may get another answer (RFC 9110; 425 of RFC 8470, 429 of RFC 6585). */
export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}
