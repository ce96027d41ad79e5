import type { EventIds } from "./event-ids.ts";
import { Figures } from "./figures.ts";
import type { Sql } from "./sql.ts";
import { type Effects, noEffects, type ResolvedCore, type Turn } from "./turn.ts";

/**
 * The dispatch core: its storage, its generation and its numbers. Each call is one transaction over `sql`, decided by
 * the command, the time and the dice alone; what must happen outside comes back as effects.
 *
 * @example core.run(Date.now(), Math.random, (turn) => cancelJob(turn, account, id, false))
 */
export class Core {
  /** Of the partition, as D1 knows it. */
  readonly name: string;
  readonly sql: Sql;
  readonly config: ResolvedCore;
  readonly epoch: number;
  readonly ids: EventIds;
  readonly figures: Figures;

  constructor(name: string, sql: Sql, config: ResolvedCore, epoch: number, ids: EventIds) {
    this.name = name;
    this.sql = sql;
    this.config = config;
    this.epoch = epoch;
    this.ids = ids;
    this.figures = new Figures(sql);
  }

  run<Result>(now: number, random: () => number, body: (turn: Turn) => Result): { result: Result; effects: Effects } {
    const effects = noEffects();
    const turn: Turn = {
      sql: this.sql,
      now,
      random,
      ids: this.ids,
      figures: this.figures,
      config: this.config,
      epoch: this.epoch,
      effects,
      absence: { known: null },
    };
    try {
      return { result: this.sql.transaction(() => body(turn)), effects };
    } catch (error) {
      // What it had counted was rolled back with it.
      this.figures.forget();
      throw error;
    }
  }
}
