/**
 * Tells what was seen of nodes here: first D1, which counts for the whole fleet, then every other partition what D1 made
 * of it. A note goes once all have heard; until then all of it is told again, which changes nothing where it is known.
 */

import { MAX_NODE_FAULTS } from "../../shared/limits.ts";
import type { Database } from "../db/database.ts";
import { type NodeNote, recordNodeNotes } from "../db/node-faults.ts";
import { within } from "../within.ts";
import type { NodeStanding } from "./node-orders.ts";
import type { Sql } from "./sql.ts";

/** Notes of one telling: each is a statement of D1's. */
const MAX_NOTES = 50;
/** Who has not answered by then is told again. */
const TELL_WAIT_MS = 5_000;
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 30_000;

export interface NodeNotesDeps {
  sql: Sql;
  db: Database;
  now: () => number;
  /** The partitions besides this one. */
  others(): Promise<string[]>;
  tell(partition: string, standings: NodeStanding[]): Promise<void>;
  /** Takes what D1 says over here. */
  take(standings: NodeStanding[]): void;
  onFailure(error: unknown): void;
  onQuarantine(standing: NodeStanding): void;
}

export class NodeNotes {
  readonly #deps: NodeNotesDeps;
  #flight: Promise<void> | null = null;
  #failures = 0;
  #retryAt: number | null = null;

  constructor(deps: NodeNotesDeps) {
    this.#deps = deps;
  }

  /** When to kick again, because somebody has not heard; null: all have. */
  get retryAt(): number | null {
    return this.#retryAt;
  }

  /** Starts a telling unless one is under way; that one will see new notes too. Never throws. */
  kick(): Promise<void> {
    this.#flight ??= this.#run().finally(() => {
      this.#flight = null;
    });
    return this.#flight;
  }

  async #run(): Promise<void> {
    const { sql, now, onFailure } = this.#deps;
    this.#retryAt = null;
    for (;;) {
      const notes = sql.all<NodeNote & { id: number }>(
        `SELECT id, node_id, attempt, fault, at FROM node_notes ORDER BY id LIMIT ${MAX_NOTES}`,
      );
      const last = notes.at(-1);
      if (last === undefined) return;
      try {
        await this.#tell(notes);
      } catch (error) {
        this.#retryAt = now() + Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** this.#failures);
        this.#failures += 1;
        onFailure(error);
        return;
      }
      this.#failures = 0;
      sql.run("DELETE FROM node_notes WHERE id <= ?", last.id);
    }
  }

  async #tell(notes: readonly NodeNote[]): Promise<void> {
    const { db, others, tell, take, onQuarantine } = this.#deps;
    const standings = await within(TELL_WAIT_MS, recordNodeNotes(db, notes), "D1 has not heard of a node's faults");
    take(standings);
    // A telling that is repeated is no news, and neither is the fault of what still ran on a node in quarantine.
    for (const standing of this.#failures > 0 ? [] : standings) {
      const seen = notes.filter((note) => note.node_id === standing.node && note.fault !== null).length;
      const before = standing.faults - seen;
      if (standing.quarantine !== null && seen > 0 && before < MAX_NODE_FAULTS) onQuarantine(standing);
    }
    const told = await Promise.allSettled(
      (await others()).map((partition) =>
        within(TELL_WAIT_MS, tell(partition, standings), `partition ${partition} has not heard of a node's faults`),
      ),
    );
    for (const each of told) if (each.status === "rejected") throw each.reason;
  }
}
