/** The fence of a partition's generations in D1 (DESIGN section 2, birth rule). */
import type { Database, Statement } from "./database.ts";

/** Who writes a flight, and how far its sinks are as it begins. */
export interface Generation {
  partition: string;
  epoch: number;
  /** Newest event that D1 has once the flight has landed. */
  d1_event: number;
  stream_event: number;
  courier_event: number;
}

const CONSTRAINT = "live_generation";

/**
 * The first statement of each transaction that a partition writes to D1. A later generation has claimed the row: the
 * constraint breaks, and nothing of the transaction is written. One row written a flight.
 */
export function fence(db: Database, generation: Generation): Statement {
  return db
    .prepare(
      `UPDATE partitions SET live = (epoch <= ?2), d1_event = max(d1_event, ?3), stream_event = max(stream_event, ?4),
         courier_event = max(courier_event, ?5) WHERE name = ?1`,
    )
    .bind(
      generation.partition,
      generation.epoch,
      generation.d1_event,
      generation.stream_event,
      generation.courier_event,
    );
}

/** Whether D1 refused a write because a later generation has claimed the partition. */
export function isSuperseded(error: unknown): boolean {
  return String(error).includes(CONSTRAINT);
}
