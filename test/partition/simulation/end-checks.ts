/** What must be true once everything has calmed down: of the partition, D1, the store and the streams together. */
import type { FileRow } from "../../../edge/partition/drain.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import type { Clients } from "./clients.ts";
import type { Host } from "./host.ts";
import type { Watcher } from "./watcher.ts";
import { Violation, type World } from "./world.ts";

/** Nothing is left to be done: every job has ended and D1, streams and store have all of it. */
export function isSettled(host: Host): boolean {
  if (!host.isUp) return false;
  const { sql } = host.core;
  return ["jobs", "uploads"].every((table) => sql.get(`SELECT 1 AS x FROM ${table} LIMIT 1`) === undefined);
}

function demand(rule: string, kept: boolean, detail: () => string): void {
  if (!kept) throw new Violation(`${rule}: ${detail()}`);
}

export function checkEnd(world: World, host: Host, watcher: Watcher, clients: Clients): void {
  checkJobs(world, watcher, clients);
  checkFiles(world, watcher);
  checkUploads(world, host);
  checkUsage(world, host);
  checkStreams(world, watcher);
}

function checkJobs(world: World, watcher: Watcher, clients: Clients): void {
  for (const id of clients.acknowledged) {
    const row = world.d1.job(id);
    demand("an acknowledged create ends", row !== undefined && isTerminal(row.state), () => `${id} is ${row?.state}`);
  }
  for (const row of world.d1.jobs()) {
    const about = () => `${row.id} is ${row.state} in D1`;
    demand("all of D1 has ended", isTerminal(row.state) && row.finished_at !== null, about);
    demand("secrets end with the job", row.sealed === null, about);
    const seen = watcher.jobs.get(row.id);
    if (seen !== undefined)
      demand("D1 has the partition's outcome", seen.state === row.state, () => `${about()}, not ${seen.state}`);
    if (watcher.cancelled.has(row.id)) demand("a cancel stays", row.state === "cancelled", about);
    demand("an error iff it did not succeed", (row.error === null) === (row.state === "completed"), about);
  }
}

function checkFiles(world: World, watcher: Watcher): void {
  const files = Map.groupBy(world.d1.files(), (file) => file.job_id);
  const right = new Set<string>();
  for (const job of world.d1.jobs()) {
    const own: FileRow[] = files.get(job.id) ?? [];
    const wanted = job.state === "completed" ? ["media"] : [];
    if (wanted.length > 0 && job.options.includes('"download_thumbnail":true')) wanted.push("thumbnail");
    const kinds = own.map((file) => file.kind).sort();
    const text = () => `${job.id} is ${job.state} with ${kinds.join(", ") || "no files"}`;
    if (!watcher.repeated.has(job.id)) demand("one set of files", kinds.join() === wanted.join(), text);
    for (const file of own) {
      const object = world.store.objects.get(file.store_key);
      const there = object !== undefined && object.etag === file.etag && object.job === job.id;
      demand("no file is lost", there, () => `${file.store_key} of ${job.id}: ${JSON.stringify(object)}`);
      right.add(file.store_key);
    }
  }
  for (const [key, object] of world.store.objects) {
    const orphan = object.job !== null && !right.has(key) && !watcher.repeated.has(object.job);
    demand("no file is doubled", !orphan, () => `${key} of ${object.job}`);
  }
}

/** What nobody knew of (the object ended between the store's answer and its own row) is the store's to sweep. */
function checkUploads(world: World, host: Host): void {
  if (host.wipes > 0) return;
  for (const upload of world.store.uploads.keys()) {
    demand("no upload stays open", !world.store.noted.has(upload), () => upload);
  }
}

function checkUsage(world: World, host: Host): void {
  for (const usage of world.d1.usage()) {
    const rows = world.d1.jobs().filter((job) => job.account_id === usage.account_id);
    for (const [column, status] of [
      ["jobs_completed", "Completed"],
      ["jobs_failed", "Failed"],
      ["jobs_warning", "Warning"],
      ["jobs_skipped", "Skipped"],
      ["jobs_pending", "Pending"],
      ["jobs_processing", "Processing"],
    ] as const) {
      const count = rows.filter((job) => job.status === status).length;
      const text = () => `${usage.account_id}.${column} is ${usage[column]}, not ${count} (epoch ${host.core.epoch})`;
      demand("D1's counters are its rows", usage[column] === count, text);
    }
  }
}

function checkStreams(world: World, watcher: Watcher): void {
  // A stream may hear an event again, never late.
  const ends = new Map<string, number>();
  for (const event of watcher.delivered) {
    if (event.job_id === null || event.data === null || watcher.repeated.has(event.job_id)) continue;
    const end = ends.get(event.job_id);
    demand(
      "a stream hears nothing after the end",
      end === undefined || event.id <= end,
      () => `${event.job_id}: ${event.type} ${event.id} after ${end}`,
    );
    if (/^job\.(completed|failed|warning|skipped|cancelled)$/.test(event.type)) ends.set(event.job_id, event.id);
  }
  for (const job of world.d1.jobs()) {
    if (mayHaveMissed(watcher, job.id)) continue;
    demand("a stream hears the end", ends.has(job.id), () => job.id);
  }
}

/** A wipe may take the outbox of a stream along. */
function mayHaveMissed(watcher: Watcher, job: string): boolean {
  return watcher.repeated.has(job) || !watcher.jobs.has(job);
}
