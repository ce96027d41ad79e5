/** The one error of the media half: every failure of an attempt leaves it as one of these, classified once. */
import { cleanText } from "../../shared/clean-text.ts";
import { FAILURE_RULES, type FailureClass } from "../../shared/contract/failures.ts";

export class MediaFailure extends Error {
  override readonly name = "MediaFailure";
  readonly class: FailureClass;
  /** What the site asked for in its `Retry-After`, seconds. */
  readonly retryAfterSeconds: number | null;
  /** A repeat of the same attempt elsewhere cannot help. */
  readonly permanent: boolean;
  /** Of a stream that has not begun: how long until its announced start. */
  startsInSeconds: number | null = null;
  /** What the tool said, line by line, where the one who asked is to see it. */
  log: readonly string[] | null = null;

  /** @param message For users: it is cleaned here. Defaults to the class's own text. */
  constructor(
    failureClass: FailureClass,
    message?: string | null,
    retryAfterSeconds: number | null = null,
    permanent = false,
  ) {
    super(cleanText(message ?? "") || FAILURE_RULES[failureClass].text);
    this.class = failureClass;
    this.retryAfterSeconds = retryAfterSeconds;
    this.permanent = permanent;
  }

  /** A stream that has not begun, with the seconds until its start where one is announced. */
  static notBegun(startsInSeconds: number | null): MediaFailure {
    const failure = new MediaFailure("not_begun");
    failure.startsInSeconds = startsInSeconds;
    return failure;
  }
}

/**
 * What an abort means: the caller's own `MediaFailure` if it gave one as the reason (`timeout`, say), else `cancelled`.
 *
 * @example controller.abort(new MediaFailure("timeout"));
 */
export function abortFailure(signal: AbortSignal): MediaFailure {
  return signal.reason instanceof MediaFailure ? signal.reason : new MediaFailure("cancelled");
}

/** Says `File exceeds the limit of 2048 MB` (jobs API 12). */
export function sizeFailure(maxBytes: number | null): MediaFailure {
  return new MediaFailure(
    "too_large",
    maxBytes === null ? null : `File exceeds the limit of ${Math.round((maxBytes / 1_048_576) * 100) / 100} MB`,
  );
}
