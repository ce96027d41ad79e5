/** What must hold of a partition's tables after every transaction (DESIGN section 3). */
import type { LiveBatch } from "../../../edge/partition/batches.ts";
import type { Core } from "../../../edge/partition/core.ts";
import type { FileRow } from "../../../edge/partition/drain.ts";
import type { LiveCounts } from "../../../edge/partition/figures.ts";
import { type LiveJob, parseManifest, parseReserved } from "../../../edge/partition/job-row.ts";
import type { SessionRow } from "../../../edge/partition/sessions.ts";
import { apiStatus, isTerminal, type State } from "../../../edge/partition/states.ts";
import { readStats } from "../../../edge/partition/stats.ts";
import type { Limits } from "../../../shared/contract/admin.ts";
import { foldKey } from "../../../shared/names.ts";
import { demand } from "./world.ts";

export interface Tables {
  jobs: LiveJob[];
  sessions: SessionRow[];
  uploads: { upload_id: string; job_id: string; token: string; doomed_at: number | null }[];
  names: { account_id: string; folded: string; job_id: string | null }[];
  accounts: AccountCounters[];
  batches: LiveBatch[];
  orders: { node_id: string; drained: number; quarantine: string | null }[];
  keys: { id: string; pending: number; active: number; max_concurrent: number | null }[];
  /** What was put off for all of them. */
  absence: { renewals: number[]; awayMs: number; backAt: number };
  leaseTtlMs: number;
}

export const NO_TABLES: Tables = {
  ...{ jobs: [], sessions: [], uploads: [], names: [], accounts: [], batches: [], orders: [], keys: [] },
  ...{ absence: { renewals: [], awayMs: 0, backAt: 0 }, leaseTtlMs: 0 },
};

export interface AccountCounters {
  id: string;
  ready: number;
  active: number;
  pending: number;
  processing: number;
  completed: number;
  failed: number;
  warning: number;
  skipped: number;
  usage_count: number;
  bytes_used: number;
  bytes_reserved: number;
  limits: string;
  pool: string;
  paused: number;
}

export function readTables({ sql, config }: Core): Tables {
  const absence = sql.get<{ value: string }>("SELECT value FROM meta WHERE key = 'absence'");
  return {
    leaseTtlMs: config.leaseTtlMs,
    absence: absence === undefined ? NO_TABLES.absence : (JSON.parse(absence.value) as Tables["absence"]),
    jobs: sql.all("SELECT * FROM jobs"),
    sessions: sql.all("SELECT * FROM sessions"),
    uploads: sql.all("SELECT upload_id, job_id, token, doomed_at FROM uploads"),
    names: sql.all("SELECT account_id, folded, job_id FROM names"),
    accounts: sql.all("SELECT * FROM accounts"),
    batches: sql.all("SELECT * FROM batches"),
    orders: sql.all("SELECT node_id, drained, quarantine FROM node_orders"),
    keys: sql.all("SELECT * FROM keys"),
  };
}

/** A column that each state needs: without it nothing would ever wake the job again. */
const DUE: Partial<Record<State, keyof LiveJob>> = {
  offered: "offer_until",
  delayed: "not_before",
  waiting: "not_before",
  running: "deadline_at",
  finishing: "commit_due",
};
const HELD: readonly State[] = ["offered", "running"];

export function checkRows(core: Core, { jobs, sessions, uploads, accounts }: Tables): void {
  const sessionOf = new Map(sessions.map((session) => [session.node_id, session]));
  const jobOf = new Map(jobs.map((job) => [job.id, job]));
  for (const job of jobs) {
    const about = () => `job ${job.id} (${job.state})`;
    demand("status follows state", job.status === apiStatus(job.state), about);
    const due = DUE[job.state];
    demand("whatever waits is due some time", due === undefined || job[due] !== null, about);
    if (HELD.includes(job.state)) {
      const session = sessionOf.get(job.node_id ?? "");
      const watched = session !== undefined && session.session === job.session && session.state !== "lost";
      demand("a lease watches over each hand-out", watched, () => `${about()} at ${job.node_id}/${job.session}`);
    } else if (job.state !== "finishing") {
      demand("no hand-out outlives itself", job.node_id === null && job.session === null, about);
    }
    if (job.state === "finishing") {
      const files = parseManifest(job)?.files ?? [];
      const kept = files.every((file) =>
        uploads.some(({ upload_id, doomed_at }) => upload_id === file.upload_id && doomed_at === null),
      );
      demand("a winner keeps its uploads", files.length > 0 && kept, about);
      demand("a winner keeps its token", job.winner === `${core.epoch}.${job.attempt}`, about);
    }
    if (isTerminal(job.state)) {
      demand("the end is complete", job.terminal_event_id !== null && job.finished_at !== null, about);
    }
  }
  for (const { id, paused } of accounts) {
    const offered = jobs.find((job) => job.account_id === id && job.state === "offered");
    demand("what is paused does not begin", paused === 0 || offered === undefined, () => `${id}: ${offered?.id}`);
  }
  for (const upload of uploads) {
    if (upload.doomed_at !== null) continue;
    const job = jobOf.get(upload.job_id);
    const live = job?.state === "running" || job?.state === "finishing";
    const own = job !== undefined && upload.token === `${core.epoch}.${job.attempt}`;
    demand(
      "an upload ends with its attempt",
      live && own,
      () => `${upload.upload_id} of ${upload.job_id}, ${job?.state}`,
    );
  }
}

/** @param known what the account's jobs come to, in this generation and before it: ended by status, made, bytes. */
export function checkCounters(
  { jobs, accounts, keys }: Tables,
  known: (account: string, what: string) => number,
): void {
  for (const key of keys) {
    const own = jobs.filter((job) => job.key_id === key.id);
    const pending = own.filter((job) => job.status === "Pending").length;
    const active = own.filter((job) => HELD.includes(job.state)).length;
    const right = key.pending === pending && key.active === active;
    demand(
      "counters are the rows",
      right,
      () => `${key.id} has ${key.pending}/${key.active}, not ${pending}/${active}`,
    );
    const most = key.max_concurrent ?? Number.POSITIVE_INFINITY;
    demand("a key runs no more than it may", active <= most, () => `${key.id} runs ${active}`);
  }
  for (const account of accounts) {
    const own = jobs.filter((job) => job.account_id === account.id);
    const count = (wanted: (job: LiveJob) => boolean) => own.filter(wanted).length;
    const reserved = own.reduce((sum, job) => sum + job.bytes_reserved, 0);
    const expected: Omit<AccountCounters, "id" | "limits" | "pool" | "paused"> = {
      ready: count((job) => job.state === "queued"),
      active: count((job) => HELD.includes(job.state)),
      pending: count((job) => job.status === "Pending"),
      processing: count((job) => job.status === "Processing"),
      completed: known(account.id, "Completed"),
      failed: known(account.id, "Failed"),
      warning: known(account.id, "Warning"),
      skipped: known(account.id, "Skipped"),
      usage_count: known(account.id, "made"),
      bytes_used: known(account.id, "bytes"),
      bytes_reserved: reserved,
    };
    const { storage_limit_bytes: limit } = JSON.parse(account.limits) as Limits;
    const within = limit === undefined || account.bytes_used + account.bytes_reserved <= limit;
    demand("storage stays within the quota", within, () => `${account.id} has ${account.bytes_used} + ${reserved}`);
    for (const [column, value] of Object.entries(expected)) {
      const counted = account[column as keyof typeof expected];
      demand("counters are the rows", counted === value, () => `${account.id}.${column} is ${counted}, not ${value}`);
    }
  }
}

/** @param membersOf states of all jobs that a batch has, also of those that have left. */
/** The figures that are kept in memory are those of the rows. */
export function checkFigures(core: Core, { jobs, accounts }: Tables, now: number): void {
  const stats = readStats(core, now);
  const inState = (...states: State[]) => jobs.filter((job) => states.includes(job.state));
  const live: LiveCounts = {
    held: inState("held").length,
    queued: inState("queued").length,
    offered: inState("offered").length,
    delayed: inState("delayed", "waiting").length,
    running: inState("running").length,
    finishing: inState("finishing").length,
    parent: inState("parent").length,
  };
  const same = (what: string, told: unknown, right: unknown) =>
    demand("figures are the rows", JSON.stringify(told) === JSON.stringify(right), () =>
      [what, JSON.stringify(told), "not", JSON.stringify(right)].join(" "),
    );
  same("jobs by state", stats.live, live);
  const at = (step: string) => inState("running").filter((job) => job.step === step).length;
  const downloading = live.running - at("mux") - at("upload");
  same("steps", core.figures.steps, { downloading, muxing: at("mux"), uploading: at("upload") + live.finishing });
  const sum = (values: number[]) => values.reduce((total, each) => total + each, 0);
  same("bytes", stats.bytesUploaded, sum(accounts.map((account) => account.bytes_used)));
  same("completed", stats.ends[0]?.n, sum(accounts.map((account) => account.completed)));
  const oldest = Math.min(...inState("queued").map((job) => job.queued_at));
  same("oldest", stats.oldestQueuedMs, live.queued === 0 ? null : Math.max(0, now - oldest));
  const wanted = { download: 0, live: 0 };
  for (const { id, limits, paused } of accounts) {
    const begun = inState("offered", "running").filter((job) => job.account_id === id);
    const mine = [...begun, ...(paused === 1 ? [] : inState("queued").filter((job) => job.account_id === id))];
    const cap = paused === 1 ? undefined : (JSON.parse(limits) as Limits).max_concurrent;
    const most = cap ?? mine.length;
    const recordings = mine.filter((job) => job.live === 1).length;
    const recorded = Math.min(recordings, most);
    wanted.live += recorded;
    wanted.download += Math.min(mine.length - recordings, most - recorded);
  }
  same("wanted", stats.wanted, wanted);
  const resting = accounts.filter((account) => account.paused === 1).map((account) => account.id);
  const startable = inState("queued").filter((job) => !resting.includes(job.account_id));
  same("startable", core.figures.startable, startable.length);
}

export function checkBatches({ batches }: Tables, membersOf: (batch: string) => State[]): void {
  for (const batch of batches) {
    const states = membersOf(batch.id);
    const count = (...wanted: string[]) => states.filter((state) => wanted.includes(apiStatus(state))).length;
    const expected = {
      total: states.length,
      completed: count("Completed"),
      failed: count("Failed", "Warning"),
      skipped: count("Skipped"),
      cancelled: states.filter((state) => state === "cancelled").length,
      processing: count("Processing"),
    };
    for (const [column, value] of Object.entries(expected)) {
      const counted = batch[column as keyof typeof expected];
      demand("a batch counts its jobs", counted === value, () => `${batch.id}.${column} is ${counted}, not ${value}`);
    }
    const over = batch.completed + batch.failed + batch.skipped === batch.total;
    demand("a batch ends with its last job", over === (batch.finished_at !== null), () => JSON.stringify(batch));
  }
}

/** @param files of every job that completed, also of those that have left. */
export function checkNames({ jobs, names }: Tables, files: ReadonlyMap<string, readonly FileRow[]>): void {
  const holder = new Map(names.map((name) => [`${name.account_id} ${name.folded}`, name.job_id]));
  const reserving = new Set<string>();
  for (const job of jobs) {
    const reserved = isTerminal(job.state) ? null : parseReserved(job);
    if (reserved === null) continue;
    reserving.add(job.id);
    const held = holder.get(`${job.account_id} ${foldKey(reserved.key)}`);
    // The disk store may have given that very name to another job's file; then the name is that job's.
    const kept = held === job.id || (held !== undefined && held !== null && files.has(held));
    demand("a reserved name is held", kept, () => `${reserved.key} of ${job.id} is held by ${held}`);
  }
  for (const rows of files.values()) {
    for (const file of rows) {
      const held = holder.get(`${file.account_id} ${foldKey(file.path)}`);
      if (file.kind !== "media" && held === undefined) continue;
      demand("a file keeps its name", held === file.job_id, () => `${file.path} of ${file.job_id} is held by ${held}`);
    }
  }
  for (const { folded, job_id } of names) {
    const right = job_id === null || reserving.has(job_id) || files.has(job_id);
    demand("a name goes free with its job", right, () => `${folded} is held by ${job_id}`);
  }
}

/** A session that was heard before a renewal of all leases has one fresh TTL from it, and no second one. */
export function endOfLease({ absence }: Tables, { lease_until }: SessionRow): number {
  const later = absence.renewals.filter((end) => end > lease_until);
  return later.length === 0 ? lease_until : Math.min(...later);
}

function endOfAttempt({ absence, leaseTtlMs }: Tables, deadline: number): number {
  const end = deadline + absence.awayMs;
  return end > absence.backAt ? end : Math.max(end, absence.backAt + leaseTtlMs);
}

/** The moment at which something is due next, told from the rows alone. */
export function dueOf(tables: Tables): number | null {
  const { jobs, sessions, uploads } = tables;
  const times: (number | null)[] = jobs.map((job) => {
    if (job.state === "queued") return job.avoid_until;
    if (job.state === "running") return endOfAttempt(tables, job.deadline_at ?? 0);
    const column = DUE[job.state];
    return column === undefined ? null : (job[column] as number | null);
  });
  times.push(...sessions.filter((session) => session.state !== "lost").map((session) => endOfLease(tables, session)));
  times.push(...uploads.map((upload) => upload.doomed_at));
  const due = times.filter((time) => time !== null);
  return due.length === 0 ? null : Math.min(...due);
}
