/** Where the sweeps stand: each walks in bounded steps and rests when it has seen all. */

export interface Walk {
  /** Position: everything up to here was looked at in this round. */
  after_time: number;
  after_id: string;
  /** Nothing is looked at before. */
  rest_until: number;
}

const START: Walk = { after_time: 0, after_id: "", rest_until: 0 };

/** By primary key. */
export async function readWalk(db: D1Database, name: string): Promise<Walk> {
  const row = await db
    .prepare("SELECT after_time, after_id, rest_until FROM sweeps WHERE name = ?")
    .bind(name)
    .first<Walk>();
  return row ?? START;
}

export async function writeWalk(db: D1Database, name: string, walk: Walk): Promise<void> {
  await db
    .prepare(
      `INSERT INTO sweeps (name, after_time, after_id, rest_until) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
         after_time = excluded.after_time, after_id = excluded.after_id, rest_until = excluded.rest_until`,
    )
    .bind(name, walk.after_time, walk.after_id, walk.rest_until)
    .run();
}

/** The round is over; the next one begins at the start, after a rest. */
export function restUntil(at: number): Walk {
  return { ...START, rest_until: at };
}
