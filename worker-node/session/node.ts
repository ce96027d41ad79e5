/** The running node: slots, attempts, one link a partition, and the way from running through quiet to stopped. */
import type { Held, LeasedJob, ProgressEntry, SessionAnswer, Slots } from "../../shared/contract/fleet.ts";
import type { Log } from "../log.ts";
import { Attempt, type AttemptDeps, type EndReason } from "./attempt.ts";
import { PartitionLink } from "./partition-link.ts";
import type { Session } from "./session.ts";

export interface NodeDeps extends Omit<AttemptDeps, "link"> {
  session: Session;
  slots: Slots;
  log: Log;
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
  readonly #stop = new AbortController();
  #quiet = false;

  constructor(deps: NodeDeps) {
    this.#deps = deps;
  }

  /** Works until `stop`. */
  async run(opened: SessionAnswer): Promise<void> {
    for (const partition of opened.partitions) this.#links.set(partition, this.#link(partition, opened));
    await Promise.all([...this.#links.values()].map((link) => link.run()));
  }

  #link(partition: string, opened: SessionAnswer): PartitionLink {
    const here = () => [...this.#running.values()].filter((each) => each.partition === partition);
    return new PartitionLink({
      partition,
      session: this.#deps.session,
      intervals: opened.intervals,
      holding: () => here().map((each) => each.attempt.held),
      freeSlots: () => this.#free(),
      takesWork: () => !this.#quiet,
      onLeased: (jobs) => {
        for (const job of jobs) this.#start(partition, job);
      },
      onKill: (attempts) => {
        for (const held of attempts) this.#end(held, "lost");
      },
      progress: () =>
        here()
          .map((each) => each.attempt.takeProgress())
          .filter((entry): entry is ProgressEntry => entry !== null),
      signal: this.#stop.signal,
      log: this.#deps.log,
    });
  }

  #free(): Slots {
    return { ...this.#deps.slots, download: Math.max(0, this.#deps.slots.download - this.#running.size) };
  }

  #start(partition: string, job: LeasedJob): void {
    const link = this.#links.get(partition);
    const key = keyOf({ job: job.job, token: job.token });
    // A repeated lease names jobs that we have already.
    if (link === undefined || this.#running.has(key)) return;
    const attempt = new Attempt(job, { ...this.#deps, link });
    const done = attempt.run().finally(() => {
      this.#running.delete(key);
      for (const each of this.#links.values()) each.askForWork();
    });
    this.#running.set(key, { attempt, partition, done });
  }

  #end(held: Held, why: EndReason): void {
    this.#running.get(keyOf(held))?.attempt.end(why);
  }

  get busy(): number {
    return this.#running.size;
  }

  /** Takes no more work and waits for what runs. */
  async drain(): Promise<void> {
    this.#quiet = true;
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map((each) => each.done));
  }

  /** Ends what runs, for this reason, and all loops. */
  async stop(why: EndReason): Promise<void> {
    this.#quiet = true;
    const running = [...this.#running.values()];
    for (const each of running) each.attempt.end(why);
    await Promise.all(running.map((each) => each.done));
    this.#stop.abort(new Error("the node has stopped"));
  }
}

function keyOf(held: Held): string {
  return `${held.job}.${held.token}`;
}
