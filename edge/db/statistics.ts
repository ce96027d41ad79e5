/** Sums over an account's jobs that finished lately. All of them use jobs_account_finished, and read no older row. */

const DAY_MS = 86_400_000;

export interface RecentFigures {
  /** Milliseconds; null without a completed job. */
  average_ms: number | null;
  today_bytes: number;
}

/** Average time of the jobs completed in the last 24 h, and the bytes of those completed since midnight UTC. */
export async function recentFigures(db: D1Database, account: string, now: number): Promise<RecentFigures> {
  const row = await db
    .prepare(
      `SELECT avg(CASE WHEN finished_at > ?2 THEN finished_at - started_at END) AS average_ms,
         coalesce(sum(CASE WHEN finished_at >= ?3 THEN file_size END), 0) AS today_bytes
       FROM jobs WHERE account_id = ?1 AND status = 'Completed' AND role <> 'parent' AND finished_at > ?2`,
    )
    .bind(account, now - DAY_MS, now - (now % DAY_MS))
    .first<RecentFigures>();
  return row ?? { average_ms: null, today_bytes: 0 };
}

export interface DayFigures {
  date: string;
  completed: number;
  failed: number;
}

/** The last `days` UTC days, oldest first, empty ones as zeros. `failed` includes warnings and skipped. */
export async function dailyFigures(db: D1Database, account: string, days: number, now: number): Promise<DayFigures[]> {
  const today = now - (now % DAY_MS);
  const first = today - (days - 1) * DAY_MS;
  const { results } = await db
    .prepare(
      `SELECT CAST((finished_at - ?2) / ${DAY_MS} AS INTEGER) AS day, sum(status = 'Completed') AS completed, sum(status <> 'Completed') AS failed
       FROM jobs WHERE account_id = ?1 AND finished_at >= ?2 GROUP BY day`,
    )
    .bind(account, first)
    .all<{ day: number; completed: number; failed: number }>();
  const byDay = new Map(results.map((row) => [row.day, row]));
  return Array.from({ length: days }, (_, day) => ({
    date: new Date(first + day * DAY_MS).toISOString().slice(0, 10),
    completed: byDay.get(day)?.completed ?? 0,
    failed: byDay.get(day)?.failed ?? 0,
  }));
}
