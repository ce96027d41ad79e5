/** What a stream missed since an id (jobs API 7): kept events, and of each job only its newest progress. */
import type { BatchEventData } from "./batch-events.ts";
import type { EventRow, JobEventData } from "./events.ts";
import { getJobRow } from "./move.ts";
import { type ProgressBoard, progressEvent } from "./progress-board.ts";
import type { Sql } from "./sql.ts";

export type PublicEvent = JobEventData | BatchEventData;

export type StreamScope = { kind: "job"; id: string } | { kind: "batch"; id: string } | { kind: "account" };

export interface ResumeDeps {
  sql: Sql;
  board: ProgressBoard;
  epoch: number;
  now: number;
}

/** Null when the log no longer reaches back that far: a snapshot or a reset takes its place. */
export function resumeStream(
  deps: ResumeDeps,
  account: string,
  scope: StreamScope,
  since: number,
): PublicEvent[] | null {
  const { sql } = deps;
  const from = sql.get<{ events_from: number }>("SELECT events_from FROM accounts WHERE id = ?", account)?.events_from;
  if (from === undefined || since < from) return null;
  const [condition, ...params] = within(scope);
  // Uses event_account, event_job or event_batch.
  const rows = sql.all<EventRow>(
    `SELECT * FROM events WHERE account_id = ? AND id > ? AND data IS NOT NULL AND type NOT LIKE '.%' ${condition} ORDER BY id`,
    account,
    since,
    ...params,
  );
  // A retired job whose first event is gone has nothing to say here; the snapshot does.
  if (scope.kind !== "account" && rows.length === 0 && !exists(sql, scope)) return null;
  const missed: PublicEvent[] = rows.map((row) => JSON.parse(row.data ?? "{}") as PublicEvent);
  // From the board, by primary keys: no index leads from an account to what it has running.
  for (const id of scope.kind === "job" ? [scope.id] : deps.board.newerThan(since)) {
    const job = getJobRow(sql, id);
    if (job === undefined || job.account_id !== account) continue;
    if (scope.kind === "batch" && job.batch_id !== scope.id) continue;
    const entry = deps.board.of(job, `${deps.epoch}.${job.attempt}`);
    if (entry !== null && entry.event_id > since) missed.push(progressEvent(job, entry, deps.now));
  }
  return missed.sort((a, b) => Number(a.id) - Number(b.id));
}

function within(scope: StreamScope): [string, ...string[]] {
  if (scope.kind === "account") return [""];
  return [scope.kind === "job" ? "AND job_id = ?" : "AND batch_id = ?", scope.id];
}

function exists(sql: Sql, scope: Exclude<StreamScope, { kind: "account" }>): boolean {
  const table = scope.kind === "job" ? "jobs" : "batches";
  return sql.get(`SELECT 1 AS x FROM ${table} WHERE id = ?`, scope.id) !== undefined;
}
