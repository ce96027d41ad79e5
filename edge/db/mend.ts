/** What a new generation sets right in D1 before it rebuilds from it: traces of what the dead one was in the middle of. */
import type { Database } from "./database.ts";
import { fence, type Generation } from "./generation.ts";

interface HalfCreate {
  id: string;
  parent_job_id: string | null;
}

/**
 * Takes back creates of which D1 has only some jobs: the flight with the others was lost. None of them was acknowledged,
 * and none has begun, because jobs made together are handed out together. The parent of such a list looks it up again
 * and comes to the same ids. Returns how many there were.
 *
 * A create is whole once D1 has the event of its last job, which is the `create_event` of each.
 * Uses batches_live, batches_ended and jobs_batch.
 */
export async function dropHalfCreates(db: Database, generation: Generation): Promise<number> {
  const ofPartition = "b.account_id IN (SELECT id FROM accounts WHERE partition = ?1)";
  const isHalf = `NOT EXISTS (SELECT 1 FROM jobs j WHERE j.batch_id = b.id AND j.role <> 'parent'
    AND coalesce(j.create_event, 0) <= ?2)`;
  const { results } = await db
    .prepare(
      `SELECT b.id, b.parent_job_id FROM batches b INDEXED BY batches_live
         WHERE ${ofPartition} AND b.finished_at IS NULL AND ${isHalf}
       UNION ALL
       SELECT b.id, b.parent_job_id FROM batches b INDEXED BY batches_ended
         WHERE ${ofPartition} AND b.terminal_event_id > ?2 AND ${isHalf}`,
    )
    .bind(generation.partition, generation.d1_event)
    .all<HalfCreate>();
  for (const batch of results) {
    await db.batch([
      fence(db, generation),
      db.prepare("DELETE FROM jobs WHERE batch_id = ? AND role <> 'parent'").bind(batch.id),
      db
        .prepare(
          `UPDATE jobs SET role = 'single', state = 'queued', status = 'Pending', step = NULL, progress = 0, batch_id = NULL,
             finished_at = NULL, terminal_event_id = NULL, error = NULL, error_type = NULL, error_class = NULL,
             version = version + 1 WHERE id = ?`,
        )
        .bind(batch.parent_job_id),
      db.prepare("DELETE FROM batches WHERE id = ?").bind(batch.id),
    ]);
  }
  return results.length;
}

/** Hand-outs that ended with their generation: nobody will report them any more. Uses the primary key of attempts. */
export async function endAttempts(
  db: Database,
  generation: Generation,
  jobs: readonly string[],
  now: number,
): Promise<void> {
  if (jobs.length === 0) return;
  await db.batch([
    fence(db, generation),
    db
      .prepare(
        `UPDATE attempts SET ended = ?1, outcome = 'lost', error = 'The edge lost the attempt'
         WHERE ended IS NULL AND job_id IN (SELECT value FROM json_each(?2))`,
      )
      .bind(now, JSON.stringify(jobs)),
  ]);
}
