/** The running node: slots, attempts, one link a partition, and the way from running through quiet to stopped. */
import { randomBytes } from "node:crypto";
import type { Held, LeasedJob, ProgressEntry, SessionAnswer, SlotClass, Slots } from "../../shared/contract/fleet.ts";
import { parseTraceparent, traceparentText } from "../../shared/trace-context.ts";
import { Calls } from "../calls/calls.ts";
import { runCall } from "../calls/run-call.ts";
import { resolveShowServices, type ShowServices } from "../calls/spotify/services.ts";
import type { EgressOptions } from "../egress/policy.ts";
import type { Log } from "../log.ts";
import { freeBytes } from "../media/disk.ts";
import { NodeFigures } from "../metrics/figures.ts";
import { Attempt, type AttemptDeps, type EndReason } from "./attempt.ts";
import { AwakeClock } from "./awake.ts";
import { DiskGate } from "./disk-gate.ts";
import { PartitionLink } from "./partition-link.ts";
import type { Session } from "./session.ts";

export interface NodeDeps extends Omit<AttemptDeps, "link" | "takeLiveSlot" | "diskIsLow" | "awake" | "figures"> {
  session: Session;
  slots: Slots;
  log: Log;
  /** What the node's own requests may reach, where no tool makes them. Defaults to public addresses. */
  guard?: EgressOptions;
  /** Defaults to the public services. */
  shows?: ShowServices;
  /** With less free on the disk it takes no work. Defaults to `MIN_FREE_DISK_MIB`. */
  minFreeMib?: number | undefined;
  /** Monotonic milliseconds. Defaults to those of the process. */
  now?: () => number;
  /** What the attempts are counted in. Defaults to figures that nobody reads. */
  figures?: NodeFigures;
}

interface Running {
  attempt: Attempt;
  partition: string;
  done: Promise<void>;
}

export class RunningNode {
  readonly #deps: NodeDeps;
  readonly #running = new Map<string, Running>();
  readonly #links = new Map<string, PartitionLink>();
  readonly #calls: Calls;
  readonly #disk: DiskGate;
  readonly #awake: AwakeClock;
  readonly #stop = new AbortController();
  readonly #figures: NodeFigures;
  #quiet = false;

  constructor(deps: NodeDeps) {
    this.#deps = deps;
    this.#figures = deps.figures ?? new NodeFigures();
    const { media, egress, workRoot, users, log, guard = {}, shows, minFreeMib, now } = deps;
    this.#awake = new AwakeClock(now);
    this.#disk = new DiskGate({ dir: workRoot, minFreeMib, free: media.freeBytes ?? freeBytes, log });
    const call = { ytdlp: media.ytdlp, egress, guard, shows: resolveShowServices(shows), workRoot, users, log };
    this.#calls = new Calls({ work: (frame, signal) => runCall(frame, call, signal), log });
  }

  /** Works until `stop`. */
  async run(opened: SessionAnswer): Promise<void> {
    for (const partition of opened.partitions) this.#links.set(partition, this.#link(partition, opened));
    await Promise.all([...this.#links.values()].map((link) => link.run()));
  }

  #link(partition: string, opened: SessionAnswer): PartitionLink {
    const here = () => [...this.#running.values()].filter((each) => each.partition === partition);
    const link = new PartitionLink({
      partition,
      session: this.#deps.session,
      intervals: opened.intervals,
      holding: () => here().map((each) => each.attempt.held),
      freeSlots: () => this.#free(),
      whyQuiet: () => this.#whyQuiet(),
      onLeased: (jobs) => {
        for (const job of jobs) this.#start(partition, job);
      },
      onKill: (attempts) => {
        for (const held of attempts) this.#end(held, "lost");
      },
      onCall: (frame) => this.#calls.take(frame, (call, answer, signal) => link.answerCall(call, answer, signal)),
      progress: () =>
        here()
          .map((each) => each.attempt.takeProgress())
          .filter((entry): entry is ProgressEntry => entry !== null),
      signal: this.#stop.signal,
      log: this.#deps.log,
    });
    return link;
  }

  async #whyQuiet(): Promise<string | null> {
    if (this.#quiet) return "it is being stopped";
    return this.#deps.session.quiet ?? this.#disk.look();
  }

  #free(): Slots {
    const { slots } = this.#deps;
    const { running } = this;
    const free = (wanted: SlotClass) => Math.max(0, slots[wanted] - running[wanted]);
    return { download: free("download"), live: free("live") };
  }

  /** The asker moves over: what it leaves is free for another. */
  #takeLiveSlot(): boolean {
    if (this.#free().live === 0) return false;
    queueMicrotask(() => this.askForWork());
    return true;
  }

  #start(partition: string, job: LeasedJob): void {
    const link = this.#links.get(partition);
    const key = keyOf({ job: job.job, token: job.token });
    // A repeated lease names jobs that we have already.
    if (link === undefined || this.#running.has(key)) return;
    const traceparent = spanOf(job.traceparent);
    const attempt = new Attempt(
      { ...job, traceparent },
      {
        ...this.#deps,
        figures: this.#figures,
        link: link.callsOf(traceparent),
        awake: this.#awake,
        takeLiveSlot: () => this.#takeLiveSlot(),
        diskIsLow: async () => (await this.#disk.look()) !== null,
      },
    );
    const done = attempt.run().finally(() => {
      this.#running.delete(key);
      this.askForWork();
    });
    this.#running.set(key, { attempt, partition, done });
  }

  #end(held: Held, why: EndReason): void {
    this.#running.get(keyOf(held))?.attempt.end(why);
  }

  /** Asks for work now: something that stood in its way may have gone. */
  askForWork(): void {
    for (const each of this.#links.values()) each.askForWork();
  }

  get busy(): number {
    return this.#running.size;
  }

  /** Attempts that run now, by the slot that each takes. */
  get running(): Slots {
    const taken = [...this.#running.values()].map(({ attempt }) => attempt.slot);
    const of = (wanted: SlotClass) => taken.filter((slot) => slot === wanted).length;
    return { download: of("download"), live: of("live") };
  }

  get openCalls(): number {
    return this.#calls.open;
  }

  /** Since the partition that has been silent longest last answered a heartbeat; null before `run`. */
  get heartbeatAgeMs(): number | null {
    const ages = [...this.#links.values()].map((link) => link.heartbeatAgeMs);
    return ages.length === 0 ? null : Math.max(...ages);
  }

  /** Whether it takes no new work: drained by a signal or the operator, kept quiet by the edge, or short of disk. */
  get isQuiet(): boolean {
    const waits = this.#deps.session.quiet ?? this.#disk.reason;
    return this.#quiet || waits !== null || [...this.#links.values()].some((link) => link.isDrained);
  }

  /** Takes no more work and waits for what runs. */
  async drain(): Promise<void> {
    this.#quiet = true;
    const calls = this.#calls.drain();
    await this.#idle();
    await calls;
  }

  /** Gives back what runs, but for what records: a stream cannot be had again. */
  async giveBackDownloads(): Promise<void> {
    const downloads = [...this.#running.values()].filter(({ attempt }) => attempt.slot === "download");
    for (const each of downloads) each.attempt.end("drained");
    await Promise.all(downloads.map((each) => each.done));
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map((each) => each.done));
  }

  /**
   * Resolves when nothing is recorded any more. Takes no more work. Other attempts are not waited for: one that was given
   * back may have nothing left to do but tell an edge that is out of reach.
   */
  async recorded(): Promise<void> {
    this.#quiet = true;
    const recordings = () => [...this.#running.values()].filter(({ attempt }) => attempt.slot === "live");
    while (recordings().length > 0) await Promise.all(recordings().map((each) => each.done));
  }

  /** What is recorded is delivered as it is now. */
  endRecordings(): void {
    for (const each of this.#running.values()) each.attempt.endRecording();
  }

  /** Ends what runs, for this reason, and all loops. */
  async stop(why: EndReason): Promise<void> {
    this.#quiet = true;
    const running = [...this.#running.values()];
    for (const each of running) each.attempt.end(why);
    await Promise.all([this.#calls.stop(), ...running.map((each) => each.done)]);
    this.#stop.abort(new Error("the node has stopped"));
    this.#awake.stop();
  }
}

/** The attempt's own span in the job's trace. */
function spanOf(traceparent: string | null): string | null {
  const context = parseTraceparent(traceparent);
  return context === null ? null : traceparentText({ ...context, spanId: randomBytes(8).toString("hex") });
}

function keyOf(held: Held): string {
  return `${held.job}.${held.token}`;
}
