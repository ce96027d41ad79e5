/**
 * Interactive calls: short questions with somebody waiting at the other end (DESIGN section 3). They have slots of their
 * own, so that no download ever starves them, and they end at their deadline whatever they are doing.
 */
import type { CallAnswer } from "../../shared/contract/calls.ts";
import type { EdgeFrame } from "../../shared/contract/fleet.ts";
import type { Log } from "../log.ts";
import { MediaFailure } from "../media/failure.ts";
import { Slots } from "./slots.ts";

/** Calls that run at once. */
const CALL_SLOTS = 2;
/** Calls that wait for a slot. A longer line would only let deadlines pass that another node could keep. */
const MAX_WAITING_CALLS = 8;
/** Ids remembered, so that a repeated frame is no second call. */
const MAX_REMEMBERED_CALLS = 1_000;

export type CallFrame = Extract<EdgeFrame, { type: "call" }>;

/** Brings an answer to the edge, repeated as long as the signal allows. */
export type SendAnswer = (call: string, answer: CallAnswer, signal: AbortSignal) => Promise<unknown>;

export interface CallsOptions {
  /** Finds the answer, a failure being one as well. Ends with the signal and leaves nothing behind. */
  work(frame: CallFrame, signal: AbortSignal): Promise<CallAnswer>;
  log: Log;
  /** Defaults to `CALL_SLOTS`. */
  slots?: number;
  /** Defaults to `MAX_WAITING_CALLS`. */
  maxWaiting?: number;
}

/** Class `lost`: a technical failure of this node, which the edge answers by asking another one. */
const BUSY: CallAnswer = { ok: false, class: "lost", message: "The worker node is busy" };
const LEAVING: CallAnswer = { ok: false, class: "lost", message: "The worker node is shutting down" };

export class Calls {
  readonly #options: CallsOptions;
  readonly #slots: Slots;
  readonly #stop = new AbortController();
  readonly #open = new Set<Promise<void>>();
  readonly #seen = new Set<string>();
  #closed = false;

  constructor(options: CallsOptions) {
    this.#options = options;
    this.#slots = new Slots(options.slots ?? CALL_SLOTS, options.maxWaiting ?? MAX_WAITING_CALLS);
  }

  /** Questions that are not answered yet. */
  get open(): number {
    return this.#open.size;
  }

  /** Takes a question; its answer goes through `send`. A question that was seen before is dropped. */
  take(frame: CallFrame, send: SendAnswer): void {
    if (this.#stop.signal.aborted || !this.#isNew(frame.call)) return;
    const serving = this.#serve(frame, send).finally(() => this.#open.delete(serving));
    this.#open.add(serving);
  }

  /** Takes no more questions, and resolves when those that are open are answered. */
  async drain(): Promise<void> {
    this.#closed = true;
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  /** Ends all of them; nothing more is answered. When it resolves, no process and no file of theirs is left. */
  async stop(): Promise<void> {
    this.#stop.abort(new MediaFailure("lost"));
    await Promise.all(this.#open);
  }

  /** Never rejects. */
  async #serve(frame: CallFrame, send: SendAnswer): Promise<void> {
    const { log } = this.#options;
    const ids = { call: frame.call, kind: frame.request.kind };
    const began = performance.now();
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(new MediaFailure("timeout")), frame.deadline_ms);
    const signal = AbortSignal.any([this.#stop.signal, deadline.signal]);
    try {
      const answer = await this.#answer(frame, signal);
      // Late or stopped: nobody waits any more.
      signal.throwIfAborted();
      await send(frame.call, answer, signal);
      log("info", "call.answered", {
        ...ids,
        outcome: answer.ok ? "ok" : answer.class,
        duration_ms: Math.round(performance.now() - began),
      });
    } catch (error) {
      log("info", "call.dropped", { ...ids, error: String(error) });
    } finally {
      clearTimeout(timer);
    }
  }

  async #answer(frame: CallFrame, signal: AbortSignal): Promise<CallAnswer> {
    if (this.#closed) return LEAVING;
    const release = await this.#slots.take(signal);
    if (release === null) return BUSY;
    try {
      return await this.#options.work(frame, signal);
    } finally {
      release();
    }
  }

  #isNew(call: string): boolean {
    if (this.#seen.has(call)) return false;
    this.#seen.add(call);
    const [oldest] = this.#seen;
    if (this.#seen.size > MAX_REMEMBERED_CALLS && oldest !== undefined) this.#seen.delete(oldest);
    return true;
  }
}
