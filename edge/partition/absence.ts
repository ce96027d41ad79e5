/**
 * What absences of the edge itself have put off (late reaper rule, DESIGN section 3): leases and deadlines, of any number of
 * nodes and attempts, in one row. None of theirs is touched: a row says when a node was heard, or how long an attempt may
 * run, and this one what the edge has missed since (decision 118).
 */
import { getMeta, setMeta } from "./schema.ts";
import type { Sql } from "./sql.ts";
import type { Turn } from "./turn.ts";

export interface Absence {
  /**
   * Ends of the fresh TTLs that all sessions were given, rising. A session's is the first that ends after its own lease: it
   * was given after that session was heard last. A second one it does not get (decision 007).
   */
  renewals: readonly number[];
  /**
   * Milliseconds that were nobody's: `jobs.deadline_at` stands in its row as if the edge had always been there, so that the
   * sum of both is when an attempt has to end.
   */
  awayMs: number;
  /** When the edge was back last: a deadline that had passed by then has one TTL more. */
  backAt: number;
}

const NONE: Absence = { renewals: [], awayMs: 0, backAt: 0 };
const KEY = "absence";

function read(sql: Sql): Absence {
  const text = getMeta(sql, KEY);
  return text === null ? NONE : (JSON.parse(text) as Absence);
}

/** Read once a turn, whatever it asks: a lease alone asks for each account whose own nodes it looks at. */
function of(turn: Turn): Absence {
  turn.absence.known ??= read(turn.sql);
  return turn.absence.known;
}

function write(turn: Turn, absence: Absence): void {
  setMeta(turn.sql, KEY, JSON.stringify(absence));
  turn.absence.known = absence;
}

/** Gives every session a fresh TTL, whatever it had before. */
export function renewAllLeases(turn: Turn): void {
  write(turn, { ...of(turn), renewals: [turn.now + turn.config.leaseTtlMs] });
}

/** Gives one to each session that has not had one since it was heard last, so that a slow fleet keeps no dead node's lease alive. */
export function renewLeasesOnce(turn: Turn): void {
  const absence = of(turn);
  // Of those that have run out the last one alone still tells who is over.
  const over = absence.renewals.findLastIndex((end) => end <= turn.now);
  const renewals = [...absence.renewals.slice(Math.max(0, over)), turn.now + turn.config.leaseTtlMs];
  write(turn, { ...absence, renewals });
}

/** Once every session whose lease has ended was given up, renewals that have run out say nothing about anyone. */
export function forgetRenewals(turn: Turn): void {
  const absence = of(turn);
  const renewals = absence.renewals.filter((end) => end > turn.now);
  if (renewals.length < absence.renewals.length) write(turn, { ...absence, renewals });
}

/** A lease runs iff its `sessions.lease_until` is not less than this. Whole milliseconds. */
export function leasesRunFrom(turn: Turn): number {
  return runFrom(of(turn), turn.now);
}

/** As {@link leasesRunFrom}, for who only looks. */
export function leasesRunAt(sql: Sql, now: number): number {
  return runFrom(read(sql), now);
}

function runFrom({ renewals }: Absence, now: number): number {
  if ((renewals.at(-1) ?? 0) <= now) return now + 1;
  // Who was heard since the last renewal that has run out has one that has not.
  return renewals.findLast((end) => end <= now) ?? 0;
}

/**
 * Of sessions that take work; its parameter is {@link leasesRunFrom} or {@link leasesRunAt}. Uses session_lease(lease_until), which has to be told that
 * lost ones are not meant: they stay for a day, and thousands of them may stand in front.
 */
export const ONLINE = "state = 'running' AND state <> 'lost' AND lease_until >= ?";

/** When the lease ends that stands as `leaseUntil` in its row. Rises with it, so the least of them ends first. */
export function leaseEnd(turn: Turn, leaseUntil: number): number {
  return of(turn).renewals.find((end) => end > leaseUntil) ?? leaseUntil;
}

/** When anyone was heard last, or given a fresh TTL; null without a session. Uses session_lease(lease_until). */
export function lastSign(turn: Turn): number | null {
  const newest = turn.sql.get<{ until: number | null }>(
    "SELECT max(lease_until) AS until FROM sessions WHERE state <> 'lost'",
  );
  if (newest?.until == null) return null;
  return Math.max(newest.until, of(turn).renewals.at(-1) ?? 0) - turn.config.leaseTtlMs;
}

/**
 * The time for which the edge was away is nobody's: an attempt's deadline is put off by it, and one that has passed even so
 * by a TTL (decision 108). A laptop that slept for an hour took its nodes along.
 */
export function putOffDeadlines(turn: Turn, awayMs: number): void {
  const absence = of(turn);
  write(turn, { ...absence, awayMs: absence.awayMs + Math.max(0, Math.round(awayMs)), backAt: turn.now });
}

/** When deadlines were put off last: what was before it has been seen to. */
export function putOffAt(turn: Turn): number {
  return of(turn).backAt;
}

/** All that was put off so far. An attempt's part of it is what is added after it has begun. */
export function awaySoFar(turn: Turn): number {
  return of(turn).awayMs;
}

/** Attempts are over time whose `deadline_at` is more than `above` and at most `upTo`. */
export function overdueBetween(turn: Turn): { above: number; upTo: number } {
  const { awayMs, backAt } = of(turn);
  const patient = turn.now < backAt + turn.config.leaseTtlMs;
  return { above: patient ? backAt - awayMs : Number.MIN_SAFE_INTEGER, upTo: turn.now - awayMs };
}

/** When the next deadline runs out; null: nothing runs. Uses job_due_deadline(deadline_at), twice at most. */
export function nextDeadline(turn: Turn): number | null {
  const { awayMs, backAt } = of(turn);
  const firstAfter = (row: number): number | null => {
    const found = turn.sql.get<{ at: number | null }>(
      "SELECT min(deadline_at) AS at FROM jobs WHERE state = 'running' AND deadline_at > ?",
      row,
    );
    return found?.at == null ? null : found.at + awayMs;
  };
  const first = firstAfter(Number.MIN_SAFE_INTEGER);
  if (first === null || first > backAt) return first;
  return Math.min(backAt + turn.config.leaseTtlMs, firstAfter(backAt - awayMs) ?? Number.POSITIVE_INFINITY);
}
