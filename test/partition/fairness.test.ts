/** Who waits how long, in virtual time: a fleet of some slots, an account with a very long queue, and others that come by. */
import { describe, expect, it } from "vitest";
import { createJobs } from "../../edge/partition/create.ts";
import { account, id, identity, newJob } from "./fixtures.ts";
import { Harness } from "./harness.ts";
import { Random } from "./simulation/random.ts";

const QUEUE = 100_000;
/** No job takes longer. */
const JOB_MS = 60_000;
const NODES = [
  { who: identity("n1"), slots: 3 },
  { who: identity("n2"), slots: 2 },
];

interface Running {
  job: string;
  ends: number;
}

/** A fleet that is always busy: each slot that comes free is asked for at once, as nodes do. */
class Fleet {
  readonly harness = new Harness({ maxPending: 1_000_000, maxReady: 1_000_000 });
  readonly #running = new Map<string, Running[]>(NODES.map(({ who }) => [who.node, []]));
  readonly #random: Random;
  /** When each job was handed out. */
  readonly began = new Map<string, number>();

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  queue(owner: string, count: number, from: number): void {
    for (let at = 0; at < count; at += 1_000) {
      const jobs = Array.from({ length: Math.min(1_000, count - at) }, (_, n) =>
        newJob(id(from + at + n), owner, { created_at: this.harness.now }),
      );
      this.harness.run((turn) => createJobs(turn, account(owner), jobs));
    }
  }

  /** Goes on until then. */
  runTo(time: number): void {
    for (;;) {
      for (const { who, slots } of NODES) this.#fill(who, slots);
      const next = [...this.#running.values()].flat().reduce((least, each) => Math.min(least, each.ends), time);
      if (next >= time) break;
      this.harness.now = next;
      for (const [node, running] of this.#running) {
        for (const { job } of running.filter((each) => each.ends === next)) this.harness.fail(job, "removed");
        this.#running.set(
          node,
          running.filter((each) => each.ends !== next),
        );
      }
    }
    this.harness.now = time;
  }

  #fill(who: (typeof NODES)[number]["who"], slots: number): void {
    const running = this.#running.get(who.node) ?? [];
    if (running.length === slots) return;
    for (const job of this.harness.lease(who, slots - running.length)) {
      this.harness.confirm(job, who);
      this.began.set(job, this.harness.now);
      running.push({ job, ends: this.harness.now + this.#random.ms(1_000, JOB_MS) });
    }
  }
}

describe("an account with 100,000 queued jobs", () => {
  it.each([1, 2, 3])(
    "delays the first job of another by no more than one job time, whenever it comes (seed %i)",
    (seed) => {
      const fleet = new Fleet(seed);
      const random = new Random(seed + 100);
      fleet.queue("ann", QUEUE, 1);
      const waits: number[] = [];
      for (let n = 0; n < 40; n++) {
        fleet.runTo(fleet.harness.now + random.ms(1_000, 2 * JOB_MS));
        const job = 500_000 + n;
        const came = fleet.harness.now;
        fleet.queue(`visitor-${n}`, 1, job);
        fleet.runTo(came + JOB_MS);
        waits.push((fleet.began.get(id(job)) ?? Number.POSITIVE_INFINITY) - came);
      }
      expect(Math.max(...waits)).toBeLessThanOrEqual(JOB_MS);
    },
  );

  it("gives another one with a queue half of the fleet, however the two compare", () => {
    const fleet = new Fleet(7);
    fleet.queue("ann", QUEUE, 1);
    fleet.runTo(fleet.harness.now + 5 * JOB_MS);
    const from = fleet.harness.now;
    fleet.queue("bob", 50, 500_000);
    fleet.runTo(from + 5 * JOB_MS);
    const since = [...fleet.began].filter(([, at]) => at >= from).map(([job]) => fleet.harness.job(job).account_id);
    const bob = since.filter((owner) => owner === "bob").length;
    expect(Math.abs(bob - since.length / 2)).toBeLessThanOrEqual(1);
  });
});
