/** Faults of nodes over several partitions: D1 counts, and everybody hears. */
import { describe, expect, it } from "vitest";
import { forgetFaults, noteFault, takeStanding } from "../../edge/partition/node-faults.ts";
import { NodeNotes } from "../../edge/partition/node-notes.ts";
import { ordersFor } from "../../edge/partition/node-orders.ts";
import { Harness, MINUTE } from "./harness.ts";
import { VirtualD1 } from "./simulation/virtual-d1.ts";

const NODE = "n1";
const WHY = "3 faults in a row, the last one: no ffmpeg";

/** Partitions over one D1, each with a line to the others that may be cut. */
class Fleet {
  readonly d1 = new VirtualD1("p1:test:0", []);
  readonly partitions = new Map<string, { harness: Harness; notes: NodeNotes }>();
  readonly deaf = new Set<string>();
  readonly quarantined: string[] = [];
  failures = 0;
  #attempts = 0;

  constructor(names: readonly string[]) {
    this.d1.sql.run(
      "INSERT INTO nodes (id, name, public_key, enrolment_id, created_at) VALUES (?1, ?1, ?1, '', 0)",
      NODE,
    );
    for (const name of names) {
      const harness = new Harness();
      const notes = new NodeNotes({
        sql: harness.sql,
        db: this.d1,
        now: () => harness.now,
        others: async () => names.filter((other) => other !== name),
        tell: async (other, standings) => {
          if (this.deaf.has(other)) throw new Error(`${other} is away`);
          for (const standing of standings) this.at(other).run((turn) => takeStanding(turn, standing));
        },
        take: (standings) => {
          for (const standing of standings) harness.run((turn) => takeStanding(turn, standing));
        },
        onFailure: () => {
          this.failures++;
        },
        onQuarantine: (standing) => this.quarantined.push(standing.node),
      });
      this.partitions.set(name, { harness, notes });
    }
  }

  at(name: string): Harness {
    const known = this.partitions.get(name);
    if (known === undefined) throw new Error(`no partition ${name}`);
    return known.harness;
  }

  tell(name: string): Promise<void> {
    return this.partitions.get(name)?.notes.kick() ?? Promise.resolve();
  }

  /** The clocks of partitions are one. */
  pass(ms: number): void {
    for (const { harness } of this.partitions.values()) harness.now += ms;
  }

  async fault(name: string): Promise<void> {
    this.pass(MINUTE);
    this.at(name).run((turn) => noteFault(turn, NODE, `attempt-${++this.#attempts}`, "no ffmpeg"));
    await this.tell(name);
  }

  async delivery(name: string): Promise<void> {
    this.pass(MINUTE);
    this.at(name).run((turn) => forgetFaults(turn, NODE, `attempt-${++this.#attempts}`));
    await this.tell(name);
  }

  /** What each partition knows. */
  get orders(): unknown[] {
    return [...this.partitions.values()].map(({ harness }) => {
      const { quarantine, faults } = ordersFor(harness.sql, NODE);
      return quarantine ?? faults;
    });
  }

  get row(): unknown {
    return this.d1.sql.get("SELECT quarantine, faults FROM nodes");
  }
}

describe("faults of one node in several partitions", () => {
  it("are three in a row together, and every partition hears of the quarantine", async () => {
    const fleet = new Fleet(["a", "b", "c", "d"]);
    await fleet.fault("a");
    await fleet.fault("b");
    expect(fleet.orders).toEqual([2, 2, 2, 2]);
    await fleet.fault("c");
    expect(fleet.orders).toEqual([WHY, WHY, WHY, WHY]);
    expect(fleet.row).toEqual({ quarantine: WHY, faults: 3 });
    expect(fleet.quarantined).toEqual([NODE]);
  });

  it("begin anew with a delivery in any of them", async () => {
    const fleet = new Fleet(["a", "b", "c"]);
    await fleet.fault("a");
    await fleet.fault("b");
    await fleet.delivery("c");
    expect(fleet.orders).toEqual([0, 0, 0]);
    expect(fleet.d1.sql.all("SELECT * FROM node_faults")).toEqual([]);
    await fleet.fault("a");
    await fleet.fault("b");
    expect(fleet.orders).toEqual([2, 2, 2]);
    await fleet.fault("c");
    expect(fleet.orders).toEqual([WHY, WHY, WHY]);
  });

  it("count once however often they are told, and are told until each partition has heard", async () => {
    const fleet = new Fleet(["a", "b", "c"]);
    fleet.deaf.add("c");
    const { notes } = fleet.partitions.get("a") as { notes: NodeNotes };
    await fleet.fault("a");
    await fleet.tell("a");
    await fleet.tell("a");
    expect(fleet.failures).toBe(3);
    expect(fleet.orders).toEqual([1, 1, 0]);
    expect(notes.retryAt).toBe(fleet.at("a").now + 4_000);
    fleet.deaf.clear();
    await fleet.tell("a");
    expect(fleet.orders).toEqual([1, 1, 1]);
    expect(notes.retryAt).toBeNull();
    expect(fleet.at("a").sql.all("SELECT * FROM node_notes")).toEqual([]);
  });

  it("stop the node where they were seen though D1 is away, and everywhere once it is back", async () => {
    const fleet = new Fleet(["a", "b"]);
    const batch = fleet.d1.batch.bind(fleet.d1);
    fleet.d1.batch = () => Promise.reject(new Error("D1 is away"));
    for (const _ of [1, 2, 3]) await fleet.fault("a");
    expect(fleet.orders).toEqual([WHY, 0]);
    fleet.d1.batch = batch;
    await fleet.tell("a");
    expect(fleet.orders).toEqual([WHY, WHY]);
    expect(fleet.row).toEqual({ quarantine: WHY, faults: 3 });
  });

  it("that were seen before the operator resumed the node count no more, even if they are told late", async () => {
    const fleet = new Fleet(["a", "b"]);
    const batch = fleet.d1.batch.bind(fleet.d1);
    fleet.d1.batch = () => Promise.reject(new Error("D1 is away"));
    for (const _ of [1, 2, 3]) await fleet.fault("a");
    fleet.pass(MINUTE);
    // As the resume writes it.
    fleet.d1.sql.run("UPDATE nodes SET faults_since = ?, standing = standing + 1", fleet.at("a").now);
    fleet.d1.batch = batch;
    await fleet.tell("a");
    expect(fleet.orders).toEqual([0, 0]);
    expect(fleet.row).toEqual({ quarantine: null, faults: 0 });
    expect(fleet.quarantined).toEqual([]);
  });

  it("of a node that was removed are nobody's", async () => {
    const fleet = new Fleet(["a", "b"]);
    fleet.d1.sql.run("UPDATE nodes SET revoked_at = 1");
    for (const _ of [1, 2, 3]) await fleet.fault("a");
    expect(fleet.orders).toEqual([WHY, 0]);
    expect(fleet.at("a").sql.all("SELECT * FROM node_notes")).toEqual([]);
  });
});
