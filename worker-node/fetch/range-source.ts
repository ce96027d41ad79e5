/**
 * One file on a server, taken to stay the same: questions for ranges of it, each repeated until its bytes are here. A cut
 * connection goes on at the byte; what is no longer the file that was begun is noticed (`StartOver`).
 */
import { pause } from "../fleet/backoff.ts";
import { type AnswerHead, contradicts, type Validator } from "./answer.ts";
import type { CookieJar } from "./cookies.ts";
import { FetchError, isPassingStatus, PassingFault, StartOver } from "./fetch-error.ts";
import { MAX_FAILURES_IN_A_ROW, MAX_REPEATS, MAX_RETRY_AFTER_MS, PROGRESS_BYTES } from "./limits.ts";
import type { ByteRange } from "./ranges.ts";
import { type Aim, type Answer, type FetchWay, faultOf, send } from "./send.ts";

export interface RangeSourceOptions {
  way: FetchWay;
  start: Aim;
  /** False: one question for the whole, without `Range`. */
  ranges: boolean;
  cookies: CookieJar;
  signal: AbortSignal;
  stallMs: number;
  backoffMs(failures: number): number;
}

/** What the first answer said of the file, and what all others must agree with. */
export interface Entity {
  /** Null: not told. */
  total: number | null;
  validator: Validator;
  /** It came as a range, so that more of it can be asked for. */
  ranged: boolean;
}

export interface RangeSink {
  /** Hears of the file before its first byte; `end` is where the first answer's body will end, infinity when unknown. */
  onBegin?(entity: Entity, end: number): Promise<void>;
  /**
   * Takes a body whose bytes are `at…end` of the file, and tells of each piece that it has kept. What its own work throws
   * is a `FetchError` or an error of the file system; all else counts as a fault of the connection.
   */
  receive(body: AsyncIterable<Buffer>, at: number, end: number, onKept: (bytes: number) => void): Promise<void>;
}

export class RangeSource {
  repeats = 0;
  readonly #options: RangeSourceOptions;
  readonly #ended = new AbortController();
  readonly #signal: AbortSignal;
  #aim: Aim;
  #entity: Entity | null = null;

  constructor(options: RangeSourceOptions) {
    this.#options = options;
    this.#aim = options.start;
    this.#signal = AbortSignal.any([options.signal, this.#ended.signal]);
  }

  /** The first failure of work that runs side by side ends the rest of it; see {@link throwIfEnded}. */
  async orEndAll(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!this.#ended.signal.aborted) this.#ended.abort(error);
    }
  }

  /** Throws that first failure. */
  throwIfEnded(): void {
    if (this.#ended.signal.aborted) throw this.#ended.signal.reason;
  }

  /**
   * Fetches a range. Of the first one of all a server may give less, or everything: what it promised counts then.
   *
   * @throws FetchError, StartOver, the signal's reason, and what the sink throws.
   */
  async fetch(range: ByteRange, sink: RangeSink): Promise<void> {
    const { start } = this.#options;
    let at = range.start;
    let goal = range.end;
    for (let failures = 0; ; ) {
      const before = at;
      let fault: PassingFault;
      try {
        const begins = this.#entity === null;
        const answer = await this.#ask(at, goal);
        try {
          const end = await this.#accept(answer, at, goal, sink);
          if (begins) goal = end;
          await this.#receive(answer, at, end, sink, (bytes) => {
            at += bytes;
          });
        } finally {
          answer.close();
        }
        // A server may give less than it was asked for; without a length, the end of the body is the end.
        if (at >= goal || !Number.isFinite(goal)) return;
        continue;
      } catch (error) {
        if (!(error instanceof PassingFault)) throw error;
        fault = error;
      }
      // An address behind a redirect is often good for a while only.
      this.#aim = start;
      failures = at - before >= PROGRESS_BYTES ? 1 : failures + 1;
      this.#giveUp(fault, failures);
      this.repeats++;
      await pause(Math.max(fault.retryAfterMs ?? 0, this.#options.backoffMs(failures)), this.#signal);
      // What came without ranges cannot be taken up again.
      if (this.#entity !== null && !this.#entity.ranged) throw new StartOver(fault.message, false);
    }
  }

  #giveUp(fault: PassingFault, failures: number): void {
    const late = (fault.retryAfterMs ?? 0) > MAX_RETRY_AFTER_MS;
    if (!late && failures < MAX_FAILURES_IN_A_ROW && this.repeats < MAX_REPEATS) return;
    const { status, retryAfterMs } = fault;
    if (status === null) throw new FetchError("network", fault.message, { cause: fault });
    throw new FetchError("status", fault.message, { status, retryAfterMs, cause: fault });
  }

  async #ask(from: number, end: number): Promise<Answer> {
    const { cookies, stallMs, ranges, way } = this.#options;
    const validator = this.#entity?.validator ?? null;
    const extra: Record<string, string> = {};
    if (ranges) extra.range = Number.isFinite(end) ? `bytes=${from}-${end - 1}` : `bytes=${from}-`;
    if (ranges && validator !== null) extra["if-range"] = validator.value;
    const asked = this.#aim;
    const answer = await send({ aim: asked, cookies, extra, stallMs, signal: this.#signal }, way);
    if (answer.head.status === 200 || answer.head.status === 206) return answer;
    answer.close();
    throw this.#refusal(answer.head, asked);
  }

  /** Judges the head of an answer to `from…end`; answers where its body will end, infinity when unknown. */
  async #accept(answer: Answer, from: number, end: number, sink: RangeSink): Promise<number> {
    const { head } = answer;
    if (head.encoded) throw new FetchError("unsuitable", "The source came compressed");
    this.#aim = answer.aim;
    if (this.#entity?.ranged) return continued(this.#entity, head, from, end);
    const begun = begin(head);
    // Before the sink hears of it: it may ask for more at once.
    this.#entity = begun.entity;
    await sink.onBegin?.(begun.entity, begun.end);
    return begun.end;
  }

  #refusal({ status, retryAfterMs }: AnswerHead, asked: Aim): Error {
    const text = `The source answered ${status}`;
    if (isPassingStatus(status)) return new PassingFault(text, { status, retryAfterMs });
    // 416: shorter than it was, or empty from the first.
    if (status === 416) return new StartOver(text, false);
    // The address that a redirect gave may be used up, while the one that led there is not.
    if (asked !== this.#options.start) return new PassingFault(text, { status });
    return new FetchError("status", text, { status });
  }

  async #receive(answer: Answer, at: number, end: number, sink: RangeSink, onKept: (bytes: number) => void) {
    let kept = at;
    try {
      await sink.receive(answer.body, at, end, (bytes) => {
        kept += bytes;
        onKept(bytes);
      });
    } catch (error) {
      throw isOurs(error) ? error : faultOf(error, answer.aim.url.hostname, this.#signal);
    }
    if (Number.isFinite(end) && kept < end) throw new PassingFault("The source ended early");
  }
}

/** The first answer: what the file is, and where this body of it ends. */
function begin(head: AnswerHead): { entity: Entity; end: number } {
  const { range, validator } = head;
  if (head.status === 206 && !isFirstPart(head)) throw new StartOver("The ranges of the source make no sense", false);
  const total = range?.total ?? head.length;
  const end = range === null ? (total ?? Number.POSITIVE_INFINITY) : range.end + 1;
  const more = range !== null && total !== null && end < total;
  // Parts of which nobody can tell that they belong together are not put together.
  if (more && validator === null) throw new StartOver("The source's parts cannot be told apart", false);
  return { entity: { total, validator, ranged: range !== null && validator !== null }, end };
}

/** A part that begins at 0 and has the length it claims. */
function isFirstPart({ range, length }: AnswerHead): boolean {
  return range !== null && range.start === 0 && range.total !== null && (length === null || length === range.end + 1);
}

/** Is it the part that was asked for, of the file that was begun? Answers where it ends. */
function continued(entity: Entity, head: AnswerHead, from: number, end: number): number {
  const { range, length, validator } = head;
  // 200 to `If-Range`: it is another file now (RFC 9110 section 13.1.5).
  if (range === null || contradicts(entity.validator, validator) || range.total !== entity.total)
    throw new StartOver("The source changed while it was fetched", true);
  const fits = range.start === from && range.end < end && (length === null || length === range.end + 1 - from);
  if (!fits) throw new StartOver("The ranges of the source make no sense", false);
  return range.end + 1;
}

/** Thrown by our own counting or by the file system, not by the connection. */
function isOurs(error: unknown): boolean {
  if (error instanceof FetchError) return true;
  const { syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return syscall === "write" || syscall === "writev";
}
