/** Generations of one partition's storage over one D1: born, drained flight by flight, and lost. */
import { drainToD1 } from "../../edge/db/drain-to-d1.ts";
import type { Generation } from "../../edge/db/generation.ts";
import { openCore } from "../../edge/partition/birth.ts";
import type { AccountFacts } from "../../edge/partition/create.ts";
import {
  advanceCursor,
  collectFlight,
  type D1Flight,
  flightLanded,
  generationOf,
  nextEvents,
  SINKS,
} from "../../edge/partition/drain.ts";
import type { KeyFacts } from "../../edge/partition/keys.ts";
import { resolveCore } from "../../edge/partition/turn.ts";
import { START } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";
import { type NodeSql, nodeSql } from "./node-sql.ts";
import { VirtualD1 } from "./simulation/virtual-d1.ts";

/** As the harness names its own. */
const NAME = "p1:test:0";

export interface Flight {
  rows: D1Flight;
  generation: Generation;
}

export class Generations {
  readonly d1: VirtualD1;
  #now = START;

  constructor(accounts: readonly AccountFacts[]) {
    this.d1 = new VirtualD1(NAME, accounts);
  }

  /** Opens the object on this storage; on an empty one the next generation is born. */
  async birth(sql: NodeSql = nodeSql()): Promise<Harness> {
    const harness = new Harness();
    harness.now = this.#now;
    harness.core = await openCore(sql, this.d1, NAME, resolveCore({}), () => harness.now);
    Object.defineProperty(harness, "sql", { value: sql });
    return harness;
  }

  /** The storage is gone; a while later the next generation is born. */
  lose(afterMs = MINUTE): Promise<Harness> {
    this.#now += afterMs;
    return this.birth();
  }

  /** What a drain takes off with: the first `most` of the events that wait. */
  flight(from: Harness, most = Number.MAX_SAFE_INTEGER): Flight {
    const events = nextEvents(from.sql, "d1").slice(0, most);
    return { rows: collectFlight(from.sql, events), generation: generationOf(from.core, events) };
  }

  land({ rows, generation }: Flight): Promise<void> {
    return drainToD1(this.d1, rows, generation);
  }

  /** Flies and lands, and the partition hears of it. */
  async drain(from: Harness, most?: number): Promise<void> {
    const flight = this.flight(from, most);
    await this.land(flight);
    flightLanded(from.sql, flight.rows);
    advanceCursor(from.sql, "d1", flight.generation.d1_event);
  }

  /** Every sink has what D1 has. */
  pass(harness: Harness): void {
    for (const sink of SINKS) advanceCursor(harness.sql, sink, harness.events().at(-1)?.id ?? 0);
  }

  addKey(key: string, account: string, limits: KeyFacts["limits"]): void {
    this.d1.sql.run(
      "INSERT INTO api_keys (id, account_id, hash, prefix, last4, scopes, limits, created_at) VALUES (?1, ?2, ?1, '', '', '[]', ?3, 0)",
      key,
      account,
      JSON.stringify(limits),
    );
  }
}
