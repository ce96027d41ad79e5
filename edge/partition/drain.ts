/** The way out of a partition: events in order to each sink, and retirement once all sinks have them. */
import { DRAIN_MAX_BYTES, DRAIN_MAX_EVENTS, EVENTS_KEPT_PER_ACCOUNT } from "../../shared/limits.ts";
import type { Generation } from "../db/generation.ts";
import { BATCH_COLUMNS, type BatchRow } from "./batches.ts";
import type { Core } from "./core.ts";
import type { EventRow } from "./events.ts";
import { DRAINED_COLUMNS, type JobRow } from "./job-row.ts";
import { getMeta, setMeta } from "./schema.ts";
import type { Sql } from "./sql.ts";
import { forgetIdleTargets } from "./targets.ts";

/** The sinks that exist. Each has its own cursor; a job retires once all of them passed its terminal event. */
export const SINKS = ["d1", "stream", "courier"] as const;
export type Sink = (typeof SINKS)[number];

export function readCursor(sql: Sql, sink: Sink): number {
  return sql.get<{ event_id: number }>("SELECT event_id FROM cursors WHERE sink = ?", sink)?.event_id ?? 0;
}

export function advanceCursor(sql: Sql, sink: Sink, eventId: number): void {
  sql.run(
    `INSERT INTO cursors (sink, event_id) VALUES (?, ?)
     ON CONFLICT (sink) DO UPDATE SET event_id = max(event_id, excluded.event_id)`,
    sink,
    eventId,
  );
}

/** Bytes that a row adds to a flight beside its own texts: column names, numbers, quotes. */
const ROW_OVERHEAD_BYTES = 1_500;

/** A stream is sent the events and no rows. */
const BARE_EVENTS = `SELECT e.*, 0 AS weight FROM events e WHERE e.id > ? AND e.id <= ? ORDER BY e.id
  LIMIT ${DRAIN_MAX_EVENTS}`;
const WEIGHED_EVENTS = `SELECT e.*, length(j.options) + length(coalesce(j.source, '')) + length(coalesce(j.description, ''))
    + length(coalesce(j.metadata, '')) + length(coalesce(j.sealed, '')) + length(j.url) AS weight
  FROM events e LEFT JOIN jobs j ON j.id = e.job_id WHERE e.id > ? AND e.id <= ? ORDER BY e.id LIMIT ${DRAIN_MAX_EVENTS}`;

/**
 * The next events for a sink, oldest first, bounded by count and by the bytes of the job rows they bring along. Nobody is
 * sent a webhook of what D1 does not have: a job that ends again after its partition was lost must not be told twice.
 */
export function nextEvents(sql: Sql, sink: Sink, span = spanOf(sql, sink)): EventRow[] {
  const select = sink === "stream" ? BARE_EVENTS : WEIGHED_EVENTS;
  const rows = sql.all<EventRow & { weight: number | null }>(select, span.after, span.to);
  const seen = new Set<string>();
  let bytes = 0;
  const taken: EventRow[] = [];
  for (const { weight, ...row } of rows) {
    const fresh = row.job_id !== null && !seen.has(row.job_id);
    const rowBytes = fresh && sink !== "stream" ? (weight ?? 0) + ROW_OVERHEAD_BYTES : 0;
    bytes += (row.data?.length ?? 0) + rowBytes;
    if (taken.length > 0 && bytes > DRAIN_MAX_BYTES) break;
    if (row.job_id !== null) seen.add(row.job_id);
    taken.push(row);
  }
  return taken;
}

function spanOf(sql: Sql, sink: Sink): { after: number; to: number } {
  const to = sink === "courier" ? readCursor(sql, "d1") : Number.MAX_SAFE_INTEGER;
  return { after: readCursor(sql, sink), to };
}

export interface UsageRow {
  account_id: string;
  version: number;
  usage_count: number;
  bytes_used: number;
  bytes_reserved: number;
  jobs_pending: number;
  jobs_processing: number;
  jobs_completed: number;
  jobs_failed: number;
  jobs_warning: number;
  jobs_skipped: number;
  /** The newest event that these figures stand on. */
  event: number;
}

export interface FileRow {
  file_id: string;
  job_id: string;
  account_id: string;
  kind: string;
  language: string | null;
  path: string;
  store_key: string;
  target_id: string;
  size: number;
  content_type: string;
  sha256: string | null;
  etag: string;
  created_at: number;
  deleted_at: number | null;
  /** Of inline storage: the one URL, and until when it is answered. */
  sealed_url: string | null;
  url_until: number | null;
}

/** What one flight writes to D1: rows as they stand now. Older versions of a row need not be written. */
export interface D1Flight {
  jobs: JobRow[];
  batches: BatchRow[];
  files: FileRow[];
  attempts: unknown[];
  usage: UsageRow[];
  idempotency: IdempotencyRow[];
  accounts: AccountChange[];
}

/** What is decided here of an account, and D1 has to know. */
export interface AccountChange {
  id: string;
  paused: number;
}

/** The first answer of an idempotency key. */
export interface IdempotencyRow {
  account_id: string;
  key_id: string;
  key: string;
  fingerprint: string;
  began_at: number;
  /** What D1 must have seen before anyone may hear it. */
  event: number;
  body: string;
}

/** An answer that would not fit into a D1 value once it is quoted in one is forgotten with its partition. */
const MAX_KEPT_ANSWER_BYTES = 1_200_000;

export function collectFlight(sql: Sql, events: readonly EventRow[]): D1Flight {
  const jobIds = listOf(events.map((event) => event.job_id));
  const batchIds = listOf(events.map((event) => event.batch_id));
  // A job that was just made has no file, and one that has ended since brings it along with that event.
  const accounts = listOf(events.map((event) => (event.type === ".account.changed" ? event.account_id : null)));
  const fileIds = listOf(events.map((event) => (event.type === "job.created" ? null : event.job_id)));
  const jobs = allIn<JobRow>(sql, `SELECT ${DRAINED_COLUMNS.join(", ")} FROM jobs WHERE id`, jobIds);
  return {
    jobs,
    batches: allIn<BatchRow>(sql, `SELECT ${BATCH_COLUMNS.join(", ")} FROM batches WHERE id`, batchIds),
    files: allIn<FileRow>(sql, "SELECT * FROM files WHERE job_id", fileIds),
    attempts: events.flatMap((event) => (event.attempt === null ? [] : [JSON.parse(event.attempt) as unknown])),
    usage: collectUsage(sql, events),
    accounts: allIn<AccountChange>(sql, "SELECT id, paused FROM accounts WHERE id", accounts),
    idempotency: jobs.some((job) => job.idempotency_key !== null) ? collectAnswers(sql, events, jobIds) : [],
  };
}

/** As JSON, each once. Null: there is none. */
function listOf(ids: readonly (string | null)[]): string | null {
  const once = new Set(ids);
  once.delete(null);
  return once.size === 0 ? null : JSON.stringify([...once]);
}

function allIn<Row extends object>(sql: Sql, select: string, ids: string | null): Row[] {
  return ids === null ? [] : sql.all<Row>(`${select} IN (SELECT value FROM json_each(?))`, ids);
}

const USAGE_EVENT = "usage_event";

/**
 * Counters are those of now, so they travel only with a flight that leaves no event behind: D1 then has the very rows
 * that they count. A rebuild adds what ended after their event.
 */
function collectUsage(sql: Sql, events: readonly EventRow[]): UsageRow[] {
  const last = events.at(-1)?.id ?? 0;
  const newest = sql.get<{ id: number | null }>("SELECT max(id) AS id FROM events")?.id ?? 0;
  if (newest > last) return [];
  return sql.all<UsageRow>(
    `SELECT id AS account_id, version, usage_count, bytes_used, bytes_reserved, pending AS jobs_pending,
       processing AS jobs_processing, completed AS jobs_completed, failed AS jobs_failed, warning AS jobs_warning,
       skipped AS jobs_skipped, ? AS event
     FROM accounts WHERE id IN (SELECT account_id FROM events WHERE id > ?)`,
    last,
    Number(getMeta(sql, USAGE_EVENT) ?? 0),
  );
}

/** A create's answer goes with the last of its jobs. By primary keys. */
function collectAnswers(sql: Sql, events: readonly EventRow[], jobIds: string | null): IdempotencyRow[] {
  return sql.all<IdempotencyRow>(
    `SELECT i.account_id, i.key_id, i.key, i.fingerprint, i.began_at, i.event, i.body
     FROM (SELECT DISTINCT account_id, key_id, idempotency_key AS key FROM jobs
           WHERE id IN (SELECT value FROM json_each(?)) AND idempotency_key IS NOT NULL) j
     JOIN idempotency i ON i.account_id = j.account_id AND i.key_id = j.key_id AND i.key = j.key
     WHERE i.event BETWEEN ? AND ? AND octet_length(i.body) <= ${MAX_KEPT_ANSWER_BYTES} ORDER BY i.began_at`,
    jobIds,
    events[0]?.id ?? 0,
    events.at(-1)?.id ?? 0,
  );
}

/** The flight has landed: which accounts' counters the next one need not bring. */
export function flightLanded(sql: Sql, flight: D1Flight): void {
  const event = flight.usage[0]?.event;
  if (event !== undefined) setMeta(sql, USAGE_EVENT, String(event));
}

/** Who writes this flight (see `fence`). */
export function generationOf(
  core: Core,
  events: readonly EventRow[],
  cursorOf = (sink: Sink) => readCursor(core.sql, sink),
): Generation {
  return {
    partition: core.name,
    epoch: core.epoch,
    d1_event: events.at(-1)?.id ?? 0,
    stream_event: cursorOf("stream"),
    courier_event: cursorOf("courier"),
  };
}

/**
 * Finished jobs leave once every cursor has passed their end; D1 keeps them. Names stay where files stay. Events stay
 * while a cursor needs them or while they are among the account's newest thousand. Returns how many jobs left.
 */
export function retire(sql: Sql, limit: number): number {
  if (!isAnythingOver(sql)) return 0;
  const passed = Math.min(...SINKS.map((sink) => readCursor(sql, sink)));
  sql.run(
    `DELETE FROM batches WHERE id IN
       (SELECT id FROM batches WHERE terminal_event_id IS NOT NULL AND terminal_event_id <= ? LIMIT ?)`,
    passed,
    limit,
  );
  const over = sql.all<{ id: string; account_id: string; target_id: string }>(
    "SELECT id, account_id, target_id FROM jobs WHERE terminal_event_id IS NOT NULL AND terminal_event_id <= ? LIMIT ?",
    passed,
    limit,
  );
  if (over.length === 0) return 0;
  const ids = JSON.stringify(over.map((job) => job.id));
  sql.run("DELETE FROM files WHERE job_id IN (SELECT value FROM json_each(?))", ids);
  sql.run("DELETE FROM jobs WHERE id IN (SELECT value FROM json_each(?))", ids);
  forgetIdleTargets(sql, new Set(over.map((job) => job.target_id)));
  for (const account of new Set(over.map((job) => job.account_id))) trimEvents(sql, account, passed, limit);
  return over.length;
}

/** Asked after each flight to each sink, most of which bring no end. Uses job_over and batch_over. */
function isAnythingOver(sql: Sql): boolean {
  const row = sql.get<{ found: number }>(
    `SELECT EXISTS (SELECT 1 FROM jobs WHERE terminal_event_id IS NOT NULL)
       OR EXISTS (SELECT 1 FROM batches WHERE terminal_event_id IS NOT NULL) AS found`,
  );
  return row?.found === 1;
}

/** At most `limit` of them: a sink that was away for long leaves more than that to be cleared up. Uses event_account(account_id, id). */
function trimEvents(sql: Sql, account: string, passed: number, limit: number): void {
  const border = sql.get<{ id: number }>(
    `SELECT id FROM events WHERE account_id = ? ORDER BY id DESC LIMIT 1 OFFSET ${EVENTS_KEPT_PER_ACCOUNT}`,
    account,
  );
  if (border === undefined) return;
  const gone = sql.all<{ id: number }>(
    "DELETE FROM events WHERE id IN (SELECT id FROM events WHERE account_id = ? AND id <= ? ORDER BY id LIMIT ?) RETURNING id",
    account,
    Math.min(border.id, passed),
    limit,
  );
  const last = gone.reduce((most, { id }) => Math.max(most, id), 0);
  // A stream that asks for less than this has missed something that nobody can tell it any more.
  sql.run("UPDATE accounts SET events_from = max(events_from, ?) WHERE id = ?", last, account);
}
