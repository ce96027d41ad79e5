/**
 * How many jobs of the partition are ready, in memory: each create holds it against `TRAWL_MAX_PARTITION_READY`, and a sum
 * over a thousand accounts was two fifths of what a create took.
 */
import type { Sql } from "./sql.ts";

export class ReadyCount {
  readonly #sql: Sql;
  #known: number | null = null;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  count(): number {
    this.#known ??= this.#sql.get<{ n: number | null }>("SELECT sum(ready) AS n FROM accounts")?.n ?? 0;
    return this.#known;
  }

  /** So many became ready in this transaction, or fewer. */
  add(jobs: number): void {
    if (this.#known !== null) this.#known += jobs;
  }

  /** The accounts' counters changed otherwise: they are added up anew when they are asked for. */
  forget(): void {
    this.#known = null;
  }
}
