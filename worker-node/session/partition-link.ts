/** One partition as the node sees it: heartbeat, lease, socket. */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { CallAnswer } from "../../shared/contract/calls.ts";
import {
  type EdgeFrame,
  HeartbeatAnswer,
  type Held,
  type Intervals,
  LeaseAnswer,
  type LeasedJob,
  type ProgressEntry,
  type Slots,
} from "../../shared/contract/fleet.ts";
import { MAX_NODE_REASON_LENGTH } from "../../shared/limits.ts";
import type { CallFrame } from "../calls/calls.ts";
import { callDelay, pause } from "../fleet/backoff.ts";
import { isFinal } from "../fleet/fleet-error.ts";
import { NodeSocket } from "../fleet/socket.ts";
import type { Log } from "../log.ts";
import { AttemptCalls } from "./attempt-calls.ts";
import type { Session } from "./session.ts";

export interface LinkOptions {
  partition: string;
  session: Session;
  intervals: Intervals;
  /** What this session holds here, and what it has room for. */
  holding(): Held[];
  freeSlots(): Slots;
  /** Why the node takes no work now, in words for the operator; null: it does. Asked before each lease and heartbeat. */
  whyQuiet(): Promise<string | null>;
  onLeased(jobs: LeasedJob[]): void;
  onKill(attempts: Held[]): void;
  /** A question with somebody waiting. */
  onCall(frame: CallFrame): void;
  /** Progress of all jobs here since the last frame. */
  progress(): ProgressEntry[];
  signal: AbortSignal;
  log: Log;
}

/** What a node has room for that takes no work. */
const NO_SLOTS: Slots = { download: 0, live: 0 };

export class PartitionLink {
  readonly #options: LinkOptions;
  readonly #socket: NodeSocket;
  #intervals: Intervals;
  /** Monotonic time of the last heartbeat that was answered. */
  #answeredAt = performance.now();
  /** The operator has drained this node; only the edge can say when that is over. */
  #drained = false;
  /** As of the last heartbeat. */
  #wasQuiet = false;
  #wakers = new Set<() => void>();
  #leaseWanted = Promise.withResolvers<void>();
  #paceChanged = Promise.withResolvers<void>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#intervals = options.intervals;
    this.#socket = new NodeSocket({
      edge: options.session.edge,
      partition: options.partition,
      sessionKey: async () => (await options.session.get()).session_key,
      leaseTtlMs: () => this.#intervals.lease_ttl_ms,
      onFrame: (frame) => this.#onFrame(frame),
      onOpen: () => this.askForWork(),
      signal: options.signal,
    });
  }

  /** Runs all loops until the signal. Each of them survives whatever the edge does. */
  async run(): Promise<void> {
    await Promise.all([this.#heartbeats(), this.#leases(), this.#progressFrames(), this.#socket.run()]);
  }

  /** A ring, a slot that came free, a new socket: ask now instead of at the next poll. */
  askForWork(): void {
    this.#leaseWanted.resolve();
  }

  /**
   * Resolves while the last answered heartbeat is younger than a TTL; else waits for the next answer. What a node that
   * has lost touch (or was asleep) would publish, it publishes only after the edge has spoken again.
   */
  async inTouch(signal: AbortSignal): Promise<void> {
    while (performance.now() - this.#answeredAt > this.#intervals.lease_ttl_ms) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const onAbort = () => reject(signal.reason);
      this.#wakers.add(resolve);
      signal.addEventListener("abort", onAbort, { once: true });
      await promise.finally(() => {
        this.#wakers.delete(resolve);
        signal.removeEventListener("abort", onAbort);
      });
    }
  }

  /** The calls of one attempt, as part of its trace. */
  callsOf(traceparent: string | null): AttemptCalls {
    const { session } = this.#options;
    return new AttemptCalls({ session, base: this.#base, inTouch: (signal) => this.inTouch(signal), traceparent });
  }

  /** The operator has drained this node, as far as this partition has said. */
  get isDrained(): boolean {
    return this.#drained;
  }

  /** Milliseconds since the last heartbeat that was answered. */
  get heartbeatAgeMs(): number {
    return performance.now() - this.#answeredAt;
  }

  /** The answer to an interactive call; nothing in the edge's own answer is of use. */
  answerCall(call: string, answer: CallAnswer, signal: AbortSignal) {
    return this.#options.session.call(`${this.#base}/calls/${call}/answer`, answer, z.unknown(), signal);
  }

  get #base(): string {
    return `/partitions/${encodeURIComponent(this.#options.partition)}`;
  }

  // --- loops

  async #heartbeats(): Promise<void> {
    const { partition, signal, log } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#heartbeat();
        failures = 0;
        await pause(this.#intervals.heartbeat_ms, signal);
      } catch (error) {
        if (signal.aborted || isFinal(error)) return;
        failures++;
        if (failures === 1) log("warn", "heartbeat.failed", { partition, error: String(error) });
        await pause(Math.min(this.#intervals.heartbeat_ms, callDelay(failures)), signal).catch(() => {});
      }
    }
  }

  async #heartbeat(): Promise<void> {
    const { session, signal, holding, freeSlots, whyQuiet, onKill } = this.#options;
    const reason = await whyQuiet();
    const body =
      reason === null
        ? { holding: holding(), slots: freeSlots(), state: "running" }
        : { holding: holding(), slots: NO_SLOTS, state: "quiet", reason: reason.slice(0, MAX_NODE_REASON_LENGTH) };
    const answer = await session.once(`${this.#base}/heartbeat`, body, HeartbeatAnswer, signal);
    this.#intervals = answer.intervals;
    this.#answeredAt = performance.now();
    // Kill before waking those who wait to publish.
    if (answer.kill.length > 0) onKill(answer.kill);
    this.#obeyDrain(answer.drain === true, answer.reason);
    // What it waited for (room on the disk) has come without anybody calling.
    if (this.#wasQuiet && reason === null) this.askForWork();
    this.#wasQuiet = reason !== null;
    for (const wake of this.#wakers) wake();
  }

  #obeyDrain(drained: boolean, reason?: string): void {
    if (drained === this.#drained) return;
    this.#drained = drained;
    const { log, partition } = this.#options;
    if (reason !== undefined) log("warn", "node.quarantined", { partition, reason });
    else log("info", drained ? "node.drained" : "node.resumed", { partition });
    if (!drained) this.askForWork();
  }

  async #leases(): Promise<void> {
    const { partition, signal, log } = this.#options;
    for (let failures = 0; !signal.aborted; ) {
      this.#leaseWanted = Promise.withResolvers<void>();
      try {
        if (await this.#lease()) continue;
        failures = 0;
      } catch (error) {
        if (signal.aborted || isFinal(error)) return;
        failures++;
        if (failures === 1) log("warn", "lease.failed", { partition, error: String(error) });
        await pause(callDelay(failures), signal).catch(() => {});
        continue;
      }
      // Jittered, so that a fleet does not ask in step.
      await this.#sleep(this.#intervals.poll_ms * (0.5 + Math.random()), this.#leaseWanted.promise);
    }
  }

  /** True when there may be more to get at once. */
  async #lease(): Promise<boolean> {
    const { session, signal, freeSlots, whyQuiet, onLeased } = this.#options;
    if (this.#drained || (await whyQuiet()) !== null) return false;
    const slots = freeSlots();
    if (slots.download + slots.live === 0) return false;
    const body = { request_id: randomUUID(), slots };
    const { jobs } = await session.call(`${this.#base}/lease`, body, LeaseAnswer, signal);
    if (jobs.length > 0) onLeased(jobs);
    return jobs.length > 0;
  }

  /** Until the time is over, the waker calls, or the node stops. */
  async #sleep(ms: number, waker: Promise<void>): Promise<void> {
    const timer = new AbortController();
    const either = AbortSignal.any([this.#options.signal, timer.signal]);
    await Promise.race([waker, pause(ms, either).catch(() => {})]);
    timer.abort();
  }

  async #progressFrames(): Promise<void> {
    const { signal, progress } = this.#options;
    while (!signal.aborted) {
      // A faster pace counts at once, not after the slow interval that was begun before it.
      this.#paceChanged = Promise.withResolvers<void>();
      await this.#sleep(this.#intervals.progress_ms, this.#paceChanged.promise);
      this.flushProgress(progress());
    }
  }

  flushProgress(jobs: ProgressEntry[]): void {
    if (jobs.length > 0) this.#socket.send({ type: "progress", jobs });
  }

  #onFrame(frame: EdgeFrame): void {
    switch (frame.type) {
      case "ring":
        // A drained node is not rung, so this one has been resumed since its last heartbeat.
        this.#obeyDrain(false);
        this.askForWork();
        return;
      case "pace":
        this.#intervals = { ...this.#intervals, progress_ms: frame.progress_ms };
        this.#paceChanged.resolve();
        return;
      case "kill":
        this.#options.onKill(frame.attempts);
        return;
      case "call":
        this.#options.onCall(frame);
        return;
    }
  }
}
