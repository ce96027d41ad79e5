/** What the tests of the sweep share: an environment with the operator's days, and a job that has been delivered. */
import { env } from "cloudflare:workers";
import type { Env } from "../../../edge/env.ts";
import type { Log } from "../../../edge/log.ts";
import { sweepFiles } from "../../../edge/sweep/files.ts";
import { sweepRecords } from "../../../edge/sweep/records.ts";
import { deliver } from "../storage/support.ts";
import { type Account, call, type Json, store } from "../support.ts";

export const MINUTE = 60_000;
export const DAY = 24 * 60 * MINUTE;

export function withDays(changes: Partial<Env>): Env {
  return { ...env, ...changes };
}

/** Partitions of which none answers. */
export const partitionsAway = {
  getByName() {
    throw new Error("the partition is away");
  },
} as unknown as typeof env.PARTITION;

/** Lines of a log, as `level event` with their fields. */
export function keptLog(): { log: Log; lines: [string, Json][] } {
  const lines: [string, Json][] = [];
  return { lines, log: (level, event, fields = {}) => lines.push([`${level} ${event}`, fields]) };
}

const { log } = keptLog();

/** The file sweep at a moment from now. */
export function runFiles(inMs: number, days = "7", changes: Partial<Env> = {}) {
  return sweepFiles(withDays({ TRAWL_RETENTION_DAYS: days, ...changes }), log, Date.now() + inMs);
}

/** One run of the record sweep at a moment from now; rounds that rest are begun anew. */
export async function runRecords(inMs: number, days = "7", changes: Partial<Env> = {}) {
  await env.DB.prepare("DELETE FROM sweeps").run();
  return sweepRecords(withDays({ TRAWL_HISTORY_DAYS: days, ...changes }), log, Date.now() + inMs);
}

export interface Delivered {
  id: string;
  /** Path and query of its media file's URL. */
  url: string;
  fileId: string;
  storeKey: string;
  etag: string;
}

/** A job with a managed file of these bytes, which D1 knows. */
export async function delivered(account: Account, bytes: string, body: Json = {}): Promise<Delivered> {
  const job = await deliver(account, bytes, body);
  await account.api("GET", "/jobs");
  const row = await env.DB.prepare("SELECT file_id, store_key, etag FROM files WHERE job_id = ? AND kind = 'media'")
    .bind(job.id)
    .first<{ file_id: string; store_key: string; etag: string }>();
  if (row === null) throw new Error("D1 does not have the file");
  const url = new URL(job.s3_url ?? "");
  return { id: job.id, url: url.pathname + url.search, fileId: row.file_id, storeKey: row.store_key, etag: row.etag };
}

export async function isStored(storeKey: string): Promise<boolean> {
  return (await store<{ objects: string[] }>("GET", "state")).objects.includes(storeKey);
}

export async function statusOf(url: string): Promise<number> {
  const answer = await call(url);
  await answer.body?.cancel();
  return answer.status;
}

/** The next calls of this kind about this key fail. */
export function faultAt(name: string, key: string, times = 1): Promise<unknown> {
  return store("POST", "fault", JSON.stringify({ call: name, key, times, status: 503, answer: { error: "eio" } }));
}
