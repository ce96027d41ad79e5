/** What must be true once everything has calmed down: of the partition, D1, the store and the streams together. */
import type { FileRow } from "../../../edge/partition/drain.ts";
import { isTerminal, type State } from "../../../edge/partition/states.ts";
import type { Clients } from "./clients.ts";
import type { Host } from "./host.ts";
import type { Watcher } from "./watcher.ts";
import { demand, type World } from "./world.ts";

/** Nothing is left to be done: every job has ended and D1, streams and store have all of it. */
export function isSettled(host: Host): boolean {
  if (!host.isUp) return false;
  const { sql } = host.core;
  return ["jobs", "batches", "uploads"].every((table) => sql.get(`SELECT 1 AS x FROM ${table} LIMIT 1`) === undefined);
}

export function checkEnd(world: World, host: Host, watcher: Watcher, clients: Clients): void {
  checkJobs(world, watcher, clients);
  checkFiles(world, watcher);
  checkUploads(world, host);
  checkUsage(world, host);
  checkStreams(world, watcher);
  checkBatchesInD1(world);
  checkDownloadCounts(world);
  checkKeys(world, clients);
  checkNotices(world);
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
    const wanted = job.state === "completed" && job.role !== "parent" ? ["media"] : [];
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

function checkDownloadCounts({ d1 }: World): void {
  const lines = (query: string) => d1.sql.all<{ line: string }>(query).map(({ line }) => line);
  const counted = lines(
    "SELECT account_id || ' ' || list || ' ' || n AS line FROM download_counts WHERE n <> 0 ORDER BY 1",
  );
  const rows = lines(
    `SELECT account_id || ' ' || listed || ' ' || count(*) AS line FROM jobs WHERE listed IS NOT NULL
     GROUP BY account_id, listed ORDER BY 1`,
  );
  demand("download counts are those of the rows", counted.join() === rows.join(), () => `${counted} but ${rows}`);
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
    const bytes = world.d1.files().filter((file) => file.account_id === usage.account_id);
    const sums = {
      usage_count: rows.length,
      bytes_used: bytes.reduce((sum, file) => sum + file.size, 0),
      bytes_reserved: 0,
    };
    for (const [column, sum] of Object.entries(sums)) {
      const counted = usage[column as keyof typeof sums];
      demand(
        "D1's counters are its rows",
        counted === sum,
        () => `${usage.account_id}.${column}: ${counted}, not ${sum}`,
      );
    }
  }
  const open = world.d1.sql.all("SELECT * FROM attempts WHERE ended IS NULL");
  demand("every attempt has ended", open.length === 0, () => JSON.stringify(open[0]));
}

function checkBatchesInD1(world: World): void {
  const jobs = Map.groupBy(world.d1.jobs(), (job) => job.batch_id);
  for (const batch of world.d1.batches()) {
    const own = jobs.get(batch.id) ?? [];
    const states = own.filter((job) => job.role !== "parent").map((job) => job.status);
    const count = (...wanted: string[]) => states.filter((status) => wanted.includes(status)).length;
    const right =
      batch.total === states.length &&
      batch.completed === count("Completed") &&
      batch.failed === count("Failed", "Warning") &&
      batch.skipped === count("Skipped") &&
      batch.processing === 0;
    demand("D1's batches count their jobs", right, () => `${JSON.stringify(batch)}: ${states.join(", ")}`);
    demand("every batch ends", batch.finished_at !== null, () => batch.id);
    if (batch.parent_job_id === null) continue;
    const parent = world.d1.job(batch.parent_job_id);
    demand("a list has its parent", parent?.batch_id === batch.id, () => JSON.stringify(batch));
  }
}

function checkKeys(world: World, clients: Clients): void {
  const creates = Map.groupBy(
    world.d1.jobs().filter((job) => job.idempotency_key !== null),
    (job) => job.idempotency_key ?? "",
  );
  for (const [key, jobs] of creates) {
    const made = new Set(jobs.map((job) => job.create_event));
    demand("a key creates once", made.size === 1, () => `${key}: ${jobs.map((job) => job.id).join(", ")}`);
  }
  for (const [key, body] of clients.answers) {
    const made = (creates.get(key) ?? []).map((job) => job.id).sort();
    const told = (JSON.parse(body) as string[]).sort();
    demand("a key's answer is what it created", made.join() === told.join(), () => `${key}: ${made} against ${told}`);
  }
}

const OUTCOMES: Partial<Record<State, string>> = {
  completed: "job_completed",
  failed: "job_failed",
  warning: "job_warning",
  skipped: "job_skipped",
};

/** Every end was handed to the courier, none of them as two, and none that is none. */
function checkNotices(world: World): void {
  const notices = [...world.courier.accepted.values()];
  const place = new Map(notices.map((notice, index) => [notice.id, index]));
  const outcomes = Map.groupBy(
    notices.filter((notice) => notice.type.startsWith("job_")),
    (notice) => notice.job_id,
  );
  for (const job of world.d1.jobs()) {
    const type = OUTCOMES[job.state];
    const wanted: string[] = [];
    if (type !== undefined && type !== "job_completed") wanted.push(`slack ${type}`);
    if (type !== undefined && job.webhook_url !== null) wanted.push(`webhook ${type}`);
    const told = (outcomes.get(job.id) ?? []).map((notice) => `${notice.channel} ${notice.type}`).sort();
    demand(
      "one outcome is told",
      told.join() === wanted.join(),
      () => `${job.id} (${job.state}): ${told.join() || "none"}`,
    );
    outcomes.delete(job.id);
  }
  demand("only what is in D1 is told", outcomes.size === 0, () => [...outcomes.keys()].join());
  for (const batch of world.d1.batches()) {
    const own = notices.filter((notice) => notice.batch_id === batch.id && notice.type !== "progress");
    const ends = own.filter((notice) => notice.type === "batch_completed");
    const wanted = batch.webhook_url !== null && batch.kind !== "bulk" ? 1 : 0;
    demand("a batch's end is told once", ends.length === wanted, () => `${batch.id}: ${ends.length}`);
    const last = ends[0];
    const isLast =
      last === undefined || own.every((notice) => (place.get(notice.id) ?? 0) <= (place.get(last.id) ?? 0));
    demand("a batch's end is told last", isLast, () => batch.id);
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
    if (watcher.repeated.has(job.id)) continue;
    demand("a stream hears the end", ends.has(job.id), () => job.id);
  }
}
