/** Tables of a partition. A change gets a new version and a step in `MIGRATIONS`; old data folders must open. */
import type { Sql } from "./sql.ts";

const VERSION_1 = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cursors (sink TEXT PRIMARY KEY, event_id INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE accounts (
  id TEXT PRIMARY KEY, pool TEXT NOT NULL, limits TEXT NOT NULL, store_prefix TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0, turn INTEGER NOT NULL DEFAULT 0,
  ready INTEGER NOT NULL DEFAULT 0, active INTEGER NOT NULL DEFAULT 0, watched INTEGER NOT NULL DEFAULT 0,
  events_from INTEGER NOT NULL DEFAULT 0,
  usage_count INTEGER NOT NULL DEFAULT 0, bytes_used INTEGER NOT NULL DEFAULT 0, bytes_reserved INTEGER NOT NULL DEFAULT 0,
  pending INTEGER NOT NULL DEFAULT 0, processing INTEGER NOT NULL DEFAULT 0, completed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0, warning INTEGER NOT NULL DEFAULT 0, skipped INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
-- Round robin: the account that was served longest ago, among those with ready work.
CREATE INDEX account_turn ON accounts (turn) WHERE ready > 0;

CREATE TABLE jobs (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL, key_id TEXT, surface TEXT NOT NULL, role TEXT NOT NULL, url TEXT NOT NULL,
  state TEXT NOT NULL, step TEXT, status TEXT NOT NULL, version INTEGER NOT NULL, options TEXT NOT NULL,
  folder TEXT, filename TEXT, webhook_url TEXT, batch_id TEXT, batch_index INTEGER, priority INTEGER NOT NULL,
  tags TEXT NOT NULL, metadata TEXT, sealed TEXT, target_id TEXT NOT NULL, idempotency_key TEXT,
  idempotency_fingerprint TEXT, source_id TEXT, source_host TEXT NOT NULL, traceparent TEXT, origin TEXT NOT NULL,
  created_at INTEGER NOT NULL, queued_at INTEGER NOT NULL, not_before INTEGER, started_at INTEGER, finished_at INTEGER,
  attempt INTEGER NOT NULL, attempts INTEGER NOT NULL, tries TEXT NOT NULL, node_name TEXT, title TEXT, description TEXT,
  release_date TEXT, source TEXT, error TEXT, error_type TEXT, error_class TEXT, progress REAL, reserved TEXT,
  media_key TEXT, file_size INTEGER, telemetry TEXT, effective TEXT, terminal_event_id INTEGER,
  create_event INTEGER NOT NULL, node_id TEXT, session INTEGER, offer_until INTEGER, deadline_at INTEGER,
  missed INTEGER NOT NULL, avoid TEXT, winner TEXT, manifest TEXT, finishing_since INTEGER, commit_tries INTEGER NOT NULL,
  commit_due INTEGER, wait_until INTEGER, avoid_until INTEGER
) WITHOUT ROWID;
-- Inside an account: priority, then age.
CREATE INDEX job_ready ON jobs (account_id, priority DESC, queued_at, id) WHERE state = 'queued';
CREATE INDEX job_held_by ON jobs (node_id) WHERE state IN ('offered', 'running');
CREATE INDEX job_due_time ON jobs (not_before) WHERE state IN ('delayed', 'waiting');
CREATE INDEX job_due_offer ON jobs (offer_until) WHERE state = 'offered';
CREATE INDEX job_due_deadline ON jobs (deadline_at) WHERE state = 'running';
CREATE INDEX job_due_commit ON jobs (commit_due) WHERE state = 'finishing';
CREATE INDEX job_due_avoid ON jobs (avoid_until) WHERE state = 'queued' AND avoid_until IS NOT NULL;
CREATE INDEX job_over ON jobs (terminal_event_id) WHERE terminal_event_id IS NOT NULL;
CREATE INDEX job_batch ON jobs (batch_id) WHERE batch_id IS NOT NULL;

-- Counters are sums over the members' states, changed with them.
CREATE TABLE batches (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL, kind TEXT NOT NULL, source_url TEXT, folder TEXT, status TEXT NOT NULL,
  version INTEGER NOT NULL, parent_job_id TEXT, webhook_url TEXT, total INTEGER NOT NULL, completed INTEGER NOT NULL,
  failed INTEGER NOT NULL, skipped INTEGER NOT NULL, cancelled INTEGER NOT NULL, processing INTEGER NOT NULL,
  truncated INTEGER NOT NULL, created_at INTEGER NOT NULL, finished_at INTEGER, terminal_event_id INTEGER,
  first_key TEXT, first_size INTEGER
) WITHOUT ROWID;
CREATE INDEX batch_over ON batches (terminal_event_id) WHERE terminal_event_id IS NOT NULL;

CREATE TABLE files (
  file_id TEXT PRIMARY KEY, job_id TEXT NOT NULL, account_id TEXT NOT NULL, kind TEXT NOT NULL, language TEXT,
  path TEXT NOT NULL, store_key TEXT NOT NULL, target_id TEXT NOT NULL, size INTEGER NOT NULL, content_type TEXT NOT NULL,
  sha256 TEXT, etag TEXT NOT NULL, created_at INTEGER NOT NULL, deleted_at INTEGER
) WITHOUT ROWID;
CREATE INDEX file_job ON files (job_id);

-- Uploads of the live attempt, and of dead ones until they are aborted.
CREATE TABLE uploads (
  upload_id TEXT PRIMARY KEY, job_id TEXT NOT NULL, token TEXT NOT NULL, kind TEXT NOT NULL, language TEXT,
  path TEXT NOT NULL, store_key TEXT NOT NULL, content_type TEXT NOT NULL, part_size INTEGER NOT NULL,
  doomed_at INTEGER, committed_key TEXT, etag TEXT
) WITHOUT ROWID;
CREATE INDEX upload_job ON uploads (job_id);
CREATE INDEX upload_doomed ON uploads (doomed_at) WHERE doomed_at IS NOT NULL;

-- Held by jobs that are live or have files. \`folded\` is the key as the store compares it.
CREATE TABLE names (
  account_id TEXT NOT NULL, target_id TEXT NOT NULL, folded TEXT NOT NULL, stem TEXT NOT NULL, suffix INTEGER NOT NULL,
  job_id TEXT, PRIMARY KEY (account_id, target_id, folded)
) WITHOUT ROWID;
CREATE INDEX name_stem ON names (account_id, target_id, stem, suffix);
CREATE INDEX name_job ON names (job_id);

-- One row per node: written by each heartbeat. \`progress\` holds the last frame, so that it survives an eviction.
CREATE TABLE sessions (
  node_id TEXT PRIMARY KEY, session INTEGER NOT NULL, name TEXT NOT NULL, tags TEXT NOT NULL, country TEXT, account_id TEXT,
  state TEXT NOT NULL, slots TEXT NOT NULL, last_seen INTEGER NOT NULL, lease_until INTEGER NOT NULL, progress TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX session_lease ON sessions (lease_until);

-- (node, host) pairs that rest after a bot check or a 429.
CREATE TABLE cool_downs (
  node_id TEXT NOT NULL, host TEXT NOT NULL, until INTEGER NOT NULL, PRIMARY KEY (node_id, host)
) WITHOUT ROWID;

CREATE TABLE lease_requests (
  node_id TEXT NOT NULL, request_id TEXT NOT NULL, jobs TEXT NOT NULL, made_at INTEGER NOT NULL,
  PRIMARY KEY (node_id, request_id)
) WITHOUT ROWID;
CREATE INDEX lease_request_age ON lease_requests (made_at);

CREATE TABLE idempotency (
  account_id TEXT NOT NULL, key_id TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, owner TEXT NOT NULL,
  began_at INTEGER NOT NULL, event INTEGER, body TEXT, PRIMARY KEY (account_id, key_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (began_at);

-- What ended, for 24 h after: the winner's late report gets its outcome again.
CREATE TABLE outcomes (job_id TEXT PRIMARY KEY, winner TEXT, state TEXT NOT NULL, ended_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX outcome_age ON outcomes (ended_at);

-- Outbox and resume log in one. \`type\` starting with '.' is internal and never shown. \`attempt\` is a row for D1.
CREATE TABLE events (
  id INTEGER PRIMARY KEY, account_id TEXT NOT NULL, job_id TEXT, batch_id TEXT, type TEXT NOT NULL, data TEXT, attempt TEXT
);
CREATE INDEX event_account ON events (account_id, id);
CREATE INDEX event_job ON events (job_id, id) WHERE job_id IS NOT NULL;
CREATE INDEX event_batch ON events (batch_id, id) WHERE batch_id IS NOT NULL;
`;

const VERSION_2 = `
-- What the operator has said of nodes; D1 owns it. A removed node's row stays as long as its session keys may live.
CREATE TABLE node_orders (node_id TEXT PRIMARY KEY, drained INTEGER NOT NULL, removed_at INTEGER) WITHOUT ROWID;
-- For as long as a Worker may remember the key as good, and more.
CREATE TABLE revoked_keys (key_id TEXT PRIMARY KEY, revoked_at INTEGER NOT NULL) WITHOUT ROWID;
-- Ends other than completed, for the metrics: one more row written for each of those.
CREATE TABLE end_counts (status TEXT NOT NULL, class TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (status, class)) WITHOUT ROWID;
-- When the operator changed the account's facts last.
ALTER TABLE accounts ADD COLUMN pushed_at INTEGER NOT NULL DEFAULT 0;
`;

const VERSION_3 = `
-- JSON \`TargetRow\` of the account's current storage; null: managed.
ALTER TABLE accounts ADD COLUMN storage TEXT;
-- Where the files of jobs here go, besides managed storage. Credentials are sealed.
CREATE TABLE targets (
  id TEXT PRIMARY KEY, provider TEXT NOT NULL, endpoint TEXT NOT NULL, bucket TEXT NOT NULL, region TEXT, folder_prefix TEXT,
  base_folder TEXT NOT NULL, sealed TEXT
) WITHOUT ROWID;
CREATE INDEX job_target ON jobs (target_id) WHERE target_id <> 'managed';
-- An upload may outlive its job, whose secrets are erased with its end: what it takes to abort it stands with it.
ALTER TABLE uploads ADD COLUMN account_id TEXT NOT NULL DEFAULT '';
ALTER TABLE uploads ADD COLUMN target_id TEXT NOT NULL DEFAULT 'managed';
ALTER TABLE uploads ADD COLUMN sealed TEXT;
ALTER TABLE uploads ADD COLUMN abort_tries INTEGER NOT NULL DEFAULT 0;
-- The one URL of a file in inline storage, and until when it is answered.
ALTER TABLE files ADD COLUMN sealed_url TEXT;
ALTER TABLE files ADD COLUMN url_until INTEGER;
`;

const VERSION_4 = `
-- What the live attempt will add to the account's storage; its part of \`accounts.bytes_reserved\`.
ALTER TABLE jobs ADD COLUMN bytes_reserved INTEGER NOT NULL DEFAULT 0;
-- Keys with limits of their own on how much may run or wait, and what does: an unlimited key costs no row.
CREATE TABLE keys (
  id TEXT PRIMARY KEY, account_id TEXT NOT NULL, max_concurrent INTEGER, max_queued INTEGER,
  pending INTEGER NOT NULL, active INTEGER NOT NULL
) WITHOUT ROWID;
`;

const VERSION_5 = `
-- Which slot a job takes (1: \`live\`), and the announced start of a stream that it waits for. Live jobs are few: an index
-- of their own finds them behind any number of others, and costs the others nothing.
ALTER TABLE jobs ADD COLUMN live INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN starts_at INTEGER;
UPDATE jobs SET live = 1 WHERE json_extract(options, '$.live_recording');
CREATE INDEX job_ready_live ON jobs (account_id, priority DESC, queued_at, id) WHERE state = 'queued' AND live = 1;
`;

const VERSION_6 = `
-- The first ready jobs of each source host, behind any number of another one's whose turn it is not on some node.
CREATE INDEX job_ready_host ON jobs (account_id, source_host, priority DESC, queued_at, id) WHERE state = 'queued';
-- What a node says of itself while it takes no work, and how many faults of its own it has reported in a row.
ALTER TABLE sessions ADD COLUMN reason TEXT;
-- Slots for downloads in all, free and taken, as of its last heartbeat.
ALTER TABLE sessions ADD COLUMN room INTEGER NOT NULL DEFAULT 0;
CREATE INDEX session_own ON sessions (account_id) WHERE account_id IS NOT NULL;
ALTER TABLE sessions ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
-- A node that reported too many gets no work until the operator says so: why.
ALTER TABLE node_orders ADD COLUMN quarantine TEXT;
`;

const VERSION_7 = `
-- 1: a commit was asked for and may still be under way in the store, so what is left of it is looked for once more.
ALTER TABLE uploads ADD COLUMN look_again INTEGER NOT NULL DEFAULT 0;
`;

const VERSION_8 = `
-- Ready jobs by what a node needs to have them (see \`lanes.ts\`): a lease seeks, whatever waits beside it.
ALTER TABLE jobs ADD COLUMN lane TEXT NOT NULL DEFAULT '';
UPDATE jobs SET lane = live || ' ' || coalesce((SELECT id FROM keys WHERE id = jobs.key_id AND max_concurrent IS NOT NULL), '') || ' ' || tags
  WHERE live = 1 OR tags <> '[]' OR key_id IN (SELECT id FROM keys WHERE max_concurrent IS NOT NULL);
DROP INDEX job_ready;
CREATE INDEX job_ready ON jobs (account_id, lane, priority DESC, queued_at, id) WHERE state = 'queued';
-- For the figures alone: leases find live jobs by their lanes.
DROP INDEX job_ready_live;
CREATE INDEX job_ready_live ON jobs (account_id) WHERE state = 'queued' AND live = 1;
-- Behind a host whose turn it is not: in the same lane.
DROP INDEX job_ready_host;
CREATE INDEX job_ready_host ON jobs (account_id, source_host, lane, priority DESC, queued_at, id) WHERE state = 'queued';
-- Sessions that were given up stay for a day: they must not stand in front of those that are due.
DROP INDEX session_lease;
CREATE INDEX session_lease ON sessions (lease_until) WHERE state <> 'lost';
CREATE INDEX session_lost ON sessions (lease_until) WHERE state = 'lost';
CREATE INDEX cool_down_age ON cool_downs (until);
-- Keys whose jobs are older than their counters. New keys are none of them.
CREATE TABLE uncounted_keys (id TEXT PRIMARY KEY) WITHOUT ROWID;
INSERT INTO uncounted_keys (id) SELECT DISTINCT key_id FROM jobs WHERE key_id IS NOT NULL AND key_id NOT IN (SELECT id FROM keys);
`;

const VERSION_9 = `
-- Faults of nodes are counted by D1 for the whole fleet; this is what it last said, in the version that it gave it, and
-- what was noted here since. \`sessions.faults\` is read no more.
ALTER TABLE node_orders ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_orders ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
INSERT INTO node_orders (node_id, drained, faults) SELECT node_id, 0, faults FROM sessions WHERE faults > 0
  ON CONFLICT (node_id) DO UPDATE SET faults = excluded.faults;
-- What D1 and the other partitions have not all been told yet: a fault, or (NULL) a delivery after one.
CREATE TABLE node_notes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, node_id TEXT NOT NULL, attempt TEXT NOT NULL, fault TEXT, at INTEGER NOT NULL
);
-- A quarantine of before was this partition's alone.
INSERT INTO node_notes (node_id, attempt, fault, at)
  SELECT node_id, 'before-' || n, substr(quarantine, instr(quarantine, 'the last one: ') + 14), unixepoch() * 1000
  FROM node_orders, (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3) WHERE quarantine IS NOT NULL;
`;

/** The hash of a file that was committed while others were not, where the store alone has counted it. */
const VERSION_10 = `
ALTER TABLE uploads ADD COLUMN sha256 TEXT;
`;

const VERSION_11 = `
-- The order of turns, of those accounts alone that a shared node may serve now: a lease does not walk past the others.
ALTER TABLE accounts ADD COLUMN max_concurrent INTEGER GENERATED ALWAYS AS (json_extract(limits, '$.max_concurrent')) VIRTUAL;
DROP INDEX account_turn;
CREATE INDEX account_turn ON accounts (turn)
  WHERE ready > 0 AND pool <> 'own' AND (max_concurrent IS NULL OR active < max_concurrent);
-- Where a lease of this node had to stop on its way past accounts that have nothing for it.
ALTER TABLE sessions ADD COLUMN walked_turn INTEGER NOT NULL DEFAULT -1;
ALTER TABLE sessions ADD COLUMN walked_id TEXT NOT NULL DEFAULT '';
-- Credentials of a storage go with the last upload that needs them.
CREATE INDEX upload_target ON uploads (target_id) WHERE target_id <> 'managed';
-- For the figures alone: the oldest ready job, and the recordings under way.
CREATE INDEX job_ready_age ON jobs (queued_at) WHERE state = 'queued';
CREATE INDEX job_held_live ON jobs (account_id) WHERE live = 1 AND state IN ('offered', 'running');
`;

const VERSION_12 = `
-- What had been put off for the edge's absences when the attempt began: its deadline is reckoned anew once it is known what it is.
ALTER TABLE jobs ADD COLUMN away_before INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET away_before = coalesce((SELECT json_extract(value, '$.awayMs') FROM meta WHERE key = 'absence'), 0) WHERE state = 'running';
`;

const VERSION_13 = `
-- 1: nothing of the account is handed out until it is resumed (library API 10.2).
ALTER TABLE accounts ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
DROP INDEX account_turn;
CREATE INDEX account_turn ON accounts (turn)
  WHERE ready > 0 AND paused = 0 AND pool <> 'own' AND (max_concurrent IS NULL OR active < max_concurrent);
`;

const VERSION_14 = `
-- What yt-dlp named a file of a job of the library API: such a job has several of one kind and language.
ALTER TABLE uploads ADD COLUMN name TEXT;
`;

/** In order: version 1 first. None of them is ever edited. */
export const MIGRATIONS: readonly string[] = [
  VERSION_1,
  VERSION_2,
  VERSION_3,
  VERSION_4,
  VERSION_5,
  VERSION_6,
  VERSION_7,
  VERSION_8,
  VERSION_9,
  VERSION_10,
  VERSION_11,
  VERSION_12,
  VERSION_13,
  VERSION_14,
];

/** Brings the storage to the newest version. Returns true when it was empty: the birth rule applies then. */
export function openSchema(sql: Sql): boolean {
  const known = sql.get<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'meta'");
  const version = known
    ? Number(sql.get<{ value: string }>("SELECT value FROM meta WHERE key = 'schema_version'")?.value ?? "0")
    : 0;
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index < version) continue;
    sql.transaction(() => {
      for (const statement of splitStatements(statements)) sql.run(statement);
      setMeta(sql, "schema_version", String(index + 1));
    });
  }
  return getMeta(sql, "epoch") === null;
}

function splitStatements(script: string): string[] {
  return script
    .replace(/^--.*$/gm, "")
    .split(";")
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

export function getMeta(sql: Sql, key: string): string | null {
  return sql.get<{ value: string }>("SELECT value FROM meta WHERE key = ?", key)?.value ?? null;
}

export function setMeta(sql: Sql, key: string, value: string): void {
  sql.run(
    "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    key,
    value,
  );
}
