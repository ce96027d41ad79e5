/** Insertion of jobs, and what admission asks before it (jobs API 1.3). */
import type { JobOptions } from "../../shared/contract/options.ts";
import { endFailed } from "./end.ts";
import { recordEvent } from "./events.ts";
import type { JobRow, LiveJob } from "./job-row.ts";
import { DRAINED_COLUMNS, parseSource } from "./job-row.ts";
import { isLimited, type KeyFacts, queueRoom, upsertKey } from "./keys.ts";
import { laneOf } from "./lanes.ts";
import { countMove, getJob } from "./move.ts";
import { apiStatus } from "./states.ts";
import { currentTarget } from "./targets.ts";
import type { Turn } from "./turn.ts";

/** What the account brings into its partition; pushed along with each request, stored when it changes. */
export interface AccountFacts {
  id: string;
  pool: string;
  /** JSON `Limits`. */
  limits: string;
  store_prefix: string;
  /** JSON `TargetRow` of its current storage, credentials sealed; null: managed. */
  storage: string | null;
}

/** Longer than any Worker remembers an account. */
const PUSHED_FACTS_WIN_MS = 30_000;

/** What a request brings along. It may be some seconds old, so it does not undo what the operator pushed just now. */
export function upsertAccount(turn: Turn, account: AccountFacts): void {
  const known = turn.sql.get<AccountFacts & { pushed_at: number }>(
    "SELECT id, pool, limits, store_prefix, storage, pushed_at FROM accounts WHERE id = ?",
    account.id,
  );
  if (known && known.pool === account.pool && known.limits === account.limits && known.storage === account.storage) {
    return;
  }
  if (known && turn.now - known.pushed_at < PUSHED_FACTS_WIN_MS) return;
  writeAccount(turn, account, known);
}

/** What the operator changed. */
export function pushAccount(turn: Turn, account: AccountFacts): void {
  const known = turn.sql.get<AccountFacts>("SELECT limits FROM accounts WHERE id = ?", account.id);
  writeAccount(turn, account, known);
  turn.sql.run("UPDATE accounts SET pushed_at = ? WHERE id = ?", turn.now, account.id);
}

function writeAccount(turn: Turn, account: AccountFacts, known: Pick<AccountFacts, "limits"> | undefined): void {
  turn.sql.run(
    `INSERT INTO accounts (id, pool, limits, store_prefix, storage) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET pool = excluded.pool, limits = excluded.limits, storage = excluded.storage`,
    account.id,
    account.pool,
    account.limits,
    account.store_prefix,
    account.storage,
  );
  // Limits say how many of its jobs may run at once.
  if (known !== undefined && known.limits !== account.limits) turn.figures.forget();
}

/** The part of a job that its creator decides; the rest starts empty. */
export type NewJob = Pick<
  JobRow,
  | "id"
  | "account_id"
  | "key_id"
  | "surface"
  | "url"
  | "options"
  | "folder"
  | "filename"
  | "webhook_url"
  | "batch_id"
  | "batch_index"
  | "priority"
  | "tags"
  | "metadata"
  | "sealed"
  | "idempotency_key"
  | "idempotency_fingerprint"
  | "source_host"
  | "traceparent"
  | "origin"
  | "created_at"
> & {
  /** Null: the account's storage, as it is when the job is inserted. */
  target_id: string | null;
  held: boolean;
  /** Known beforehand for the items of a list. */
  title?: string | null;
  /** Nothing to download (an episode without open audio): the job ends `Skipped` with this text at once. */
  skip?: string | null;
};

export type CreateResult = { kind: "created"; events: number[] } | { kind: "full" };

const LIVE_COLUMNS = [
  "node_id",
  "session",
  "offer_until",
  "deadline_at",
  "away_before",
  "missed",
  "avoid",
  "winner",
  "manifest",
  "finishing_since",
  "commit_tries",
  "commit_due",
  "avoid_until",
  "bytes_reserved",
  "live",
  "lane",
] as const satisfies readonly (keyof LiveJob)[];

const ALL_COLUMNS = [...DRAINED_COLUMNS, ...LIVE_COLUMNS] as const;

/** Writes one job row as it is, in its lane; also how a rebuild puts back what D1 kept. */
export function insertJobRow(turn: Turn, job: Omit<LiveJob, "lane">, isLimited?: (key: string) => boolean): void {
  const row: LiveJob = { ...job, lane: laneOf(turn, job, isLimited) };
  // Half of a new job's columns are empty. What may be empty has no other default, so that it need not be told.
  const told = ALL_COLUMNS.filter((column) => row[column] !== null);
  const places = told.map(() => "?").join(", ");
  turn.sql.run(`INSERT INTO jobs (${told.join(", ")}) VALUES (${places})`, ...told.map((column) => row[column]));
}

/** A job as D1 kept it, or as its creator asks for it, with everything of a hand-out empty. */
export function withoutHandOut(
  row: JobRow,
  createEvent: number,
  isRecording: (options: string) => boolean = asksForRecording,
): Omit<LiveJob, "lane"> {
  return {
    ...row,
    create_event: createEvent,
    node_id: null,
    session: null,
    offer_until: null,
    deadline_at: null,
    away_before: 0,
    missed: 0,
    avoid: null,
    winner: null,
    manifest: null,
    finishing_since: null,
    commit_tries: 0,
    commit_due: null,
    avoid_until: null,
    bytes_reserved: 0,
    live: Number(isRecording(row.options) || (parseSource(row)?.is_live ?? false)),
  };
}

function asksForRecording(options: string): boolean {
  return (JSON.parse(options) as JobOptions).live_recording;
}

/** Inserts all jobs or none. The ids come from the edge, so its own retry after a lost answer inserts nothing twice. */
export function createJobs(
  turn: Turn,
  account: AccountFacts,
  jobs: readonly NewJob[],
  /** Runs once the jobs are admitted, before the first of them: the batch that they belong to, their own target. */
  admitted: () => void = () => {},
  key: KeyFacts | null = null,
): CreateResult {
  upsertAccount(turn, account);
  if (key !== null) upsertKey(turn, account.id, key);
  // All were inserted at once, or none.
  const [first] = jobs;
  if (first !== undefined && isKnown(turn, first.id)) {
    return { kind: "created", events: jobs.map((job) => createEventOf(turn, job.id)) };
  }
  if (!hasRoom(turn, account, jobs.length, key)) return { kind: "full" };
  admitted();
  return { kind: "created", events: insertNew(turn, jobs) };
}

/** Whether so many jobs more would be admitted (jobs API 1.3). */
export function hasRoom(turn: Turn, account: AccountFacts, jobs: number, key: KeyFacts | null): boolean {
  const load = turn.sql.get<{ pending: number }>("SELECT pending FROM accounts WHERE id = ?", account.id);
  const { ready } = turn.figures;
  const maxPending = Math.min(turn.config.maxPending, ownLimit(account));
  const ofKey = key === null ? Number.POSITIVE_INFINITY : queueRoom(turn, key.id);
  return (load?.pending ?? 0) + jobs <= maxPending && ready + jobs <= turn.config.maxReady && jobs <= ofKey;
}

/** `max_queued` of the account, where it has one. */
function ownLimit(account: AccountFacts): number {
  const { max_queued } = JSON.parse(account.limits) as { max_queued?: number };
  return max_queued ?? Number.POSITIVE_INFINITY;
}

/** A job may have ended and retired before its create is repeated: its outcome is remembered longer than that. */
function isKnown(turn: Turn, id: string): boolean {
  const known = "SELECT 1 AS x FROM jobs WHERE id = ?1 UNION ALL SELECT 1 FROM outcomes WHERE job_id = ?1";
  return turn.sql.get(known, id) !== undefined;
}

function createEventOf(turn: Turn, id: string): number {
  return turn.sql.get<{ create_event: number }>("SELECT create_event FROM jobs WHERE id = ?", id)?.create_event ?? 0;
}

/**
 * Inserts jobs that belong together, each with its `job.created`; returns the newest event of each. Admission is the
 * caller's. None may be handed out before D1 has all of them: what D1 has only in part is dropped by a rebuild.
 */
export function insertNew(turn: Turn, jobs: readonly NewJob[]): number[] {
  // Of a hundred jobs of one create the account is asked once, and so is their key, and their options are read once.
  const target = once((account: string) => currentTarget(turn, account));
  const limited = once((key: string) => isLimited(turn, key));
  const recording = once(asksForRecording);
  const rows = jobs.map((job) => newRow(turn, job, target));
  const events = rows.map((row) => recordEvent(turn, row, "job.created", null));
  const last = events.at(-1) ?? 0;
  for (const row of rows) insertJobRow(turn, withoutHandOut(row, last, recording), limited);
  // One create is of one account and one key.
  for (const [state, alike] of Map.groupBy(rows, (row) => row.state)) {
    const [one] = alike;
    if (one !== undefined) countMove(turn, one, null, state, 0, alike.length);
  }
  const [first] = rows;
  if (first !== undefined) {
    turn.sql.run(
      "UPDATE accounts SET usage_count = usage_count + ?, version = version + 1 WHERE id = ?",
      rows.length,
      first.account_id,
    );
  }
  return jobs.map(({ id, skip }, index) =>
    typeof skip === "string" ? skipNew(turn, id, skip) : (events[index] ?? last),
  );
}

function once<Value>(ask: (of: string) => Value): (of: string) => Value {
  const known = new Map<string, Value>();
  return (of) => {
    if (!known.has(of)) known.set(of, ask(of));
    return known.get(of) as Value;
  };
}

function newRow(turn: Turn, { held, skip: _, ...job }: NewJob, targetOf: (account: string) => string): JobRow {
  const state = held ? "held" : "queued";
  return {
    ...job,
    target_id: job.target_id ?? targetOf(job.account_id),
    role: "single",
    state,
    step: null,
    status: apiStatus(state),
    version: 1,
    source_id: null,
    queued_at: turn.now,
    not_before: null,
    wait_until: null,
    starts_at: null,
    started_at: null,
    finished_at: null,
    attempt: 0,
    attempts: 0,
    tries: "{}",
    node_name: null,
    title: job.title ?? null,
    description: null,
    release_date: null,
    source: null,
    error: null,
    error_type: null,
    error_class: null,
    progress: 0,
    reserved: null,
    media_key: null,
    file_size: null,
    telemetry: null,
    effective: null,
    terminal_event_id: null,
    create_event: null,
  };
}

function skipNew(turn: Turn, id: string, text: string): number {
  const job = getJob(turn, id);
  if (job === undefined) throw new Error("a job that was just inserted is not there");
  return endFailed(turn, job, "drm", text, {}, null).terminal_event_id ?? 0;
}
