-- The read model (DESIGN sections 2 and 11). The partition is the only writer of live job state; what it drains here
-- carries the row's `version`, and an upsert applies only if that is greater.

CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  -- The Durable Object that owns this account's live jobs; set once, by rendezvous hash, and never changed.
  partition TEXT NOT NULL,
  pool TEXT NOT NULL DEFAULT 'own_first' CHECK (pool IN ('own', 'own_first', 'shared')),
  limits TEXT NOT NULL DEFAULT '{}',
  -- `deleting` is written first when an account is removed, so that the removal can be resumed.
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'deleting')),
  -- Which D1 database holds its history: always 0 today.
  db INTEGER NOT NULL DEFAULT 0,
  -- Leading part of its managed keys: '' for the first account, '@<id>/' for the others.
  store_prefix TEXT NOT NULL,
  username TEXT UNIQUE,
  password_hash TEXT,
  console INTEGER NOT NULL DEFAULT 0,
  settings TEXT NOT NULL DEFAULT '{}',
  webhook_secret TEXT,
  active_target TEXT,
  created_at INTEGER NOT NULL
);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT,
  -- SHA-256 of the key, hex. The key itself (178 random bits) is shown once and kept nowhere.
  hash TEXT NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  last4 TEXT NOT NULL,
  scopes TEXT NOT NULL,
  limits TEXT NOT NULL DEFAULT '{}',
  expires_at INTEGER,
  revoked_at INTEGER,
  created_at INTEGER NOT NULL
);
CREATE INDEX api_keys_account ON api_keys (account_id, created_at);

CREATE TABLE enrolments (
  id TEXT PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  uses_left INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  tags TEXT NOT NULL DEFAULT '[]',
  account_id TEXT REFERENCES accounts (id),
  created_at INTEGER NOT NULL
);

CREATE TABLE nodes (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  -- Raw Ed25519 public key, base64url.
  public_key TEXT NOT NULL UNIQUE,
  -- The node's session number: raised by each new session, and what partitions fence by.
  session INTEGER NOT NULL DEFAULT 0,
  tags TEXT NOT NULL DEFAULT '[]',
  country TEXT,
  account_id TEXT REFERENCES accounts (id),
  enrolment_id TEXT NOT NULL,
  slots TEXT NOT NULL DEFAULT '{}',
  versions TEXT NOT NULL DEFAULT '{}',
  drained_at INTEGER,
  revoked_at INTEGER,
  created_at INTEGER NOT NULL,
  last_session_at INTEGER
);

-- Generations of partition storage (birth rule): a partition with empty storage claims the next one.
CREATE TABLE partitions (
  name TEXT PRIMARY KEY,
  epoch INTEGER NOT NULL,
  claimed_at INTEGER NOT NULL
);

-- Immutable: where files go. Credentials are a row of their own, sealed.
CREATE TABLE targets (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  provider TEXT NOT NULL,
  endpoint TEXT,
  bucket TEXT,
  region TEXT,
  folder_prefix TEXT,
  base_folder TEXT NOT NULL DEFAULT 'videos',
  source TEXT NOT NULL DEFAULT 'keyvault',
  created_at INTEGER NOT NULL
);

CREATE TABLE target_credentials (
  target_id TEXT PRIMARY KEY REFERENCES targets (id),
  sealed TEXT NOT NULL,
  masked TEXT NOT NULL,
  updated_at INTEGER NOT NULL
);

CREATE TABLE jobs (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  key_id TEXT,
  -- Which API made it: jobs, downloads, library.
  surface TEXT NOT NULL,
  role TEXT NOT NULL DEFAULT 'single',
  url TEXT NOT NULL,
  state TEXT NOT NULL,
  step TEXT,
  status TEXT NOT NULL,
  version INTEGER NOT NULL,
  options TEXT NOT NULL,
  folder TEXT,
  filename TEXT,
  webhook_url TEXT,
  batch_id TEXT,
  batch_index INTEGER,
  priority INTEGER NOT NULL DEFAULT 0,
  tags TEXT NOT NULL DEFAULT '[]',
  metadata TEXT,
  -- Envelope of inline secrets (ciphertext); erased when the job ends.
  sealed TEXT,
  target_id TEXT NOT NULL,
  idempotency_key TEXT,
  idempotency_fingerprint TEXT,
  source_id TEXT,
  source_host TEXT NOT NULL,
  traceparent TEXT,
  -- Origin of the create request, for URLs made later.
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  queued_at INTEGER NOT NULL,
  not_before INTEGER,
  started_at INTEGER,
  finished_at INTEGER,
  attempt INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0,
  tries TEXT NOT NULL DEFAULT '{}',
  node_name TEXT,
  title TEXT,
  description TEXT,
  release_date TEXT,
  source TEXT,
  error TEXT,
  error_type TEXT,
  error_class TEXT,
  progress REAL,
  -- Names reserved for the job and kept over its attempts: {"stem", "suffix", "key"}.
  reserved TEXT,
  media_key TEXT,
  file_size INTEGER,
  telemetry TEXT,
  effective TEXT,
  terminal_event_id INTEGER,
  hidden_at INTEGER
);
-- Lists are newest first, which is id descending; each filter has its own order.
CREATE INDEX jobs_account ON jobs (account_id, id DESC);
CREATE INDEX jobs_account_status ON jobs (account_id, status, id DESC);
CREATE INDEX jobs_batch ON jobs (batch_id, batch_index) WHERE batch_id IS NOT NULL;
CREATE INDEX jobs_source ON jobs (account_id, source_id) WHERE source_id IS NOT NULL;
CREATE UNIQUE INDEX jobs_idempotency ON jobs (account_id, idempotency_key, id) WHERE idempotency_key IS NOT NULL;
-- What the birth rule rebuilds a partition from.
CREATE INDEX jobs_live ON jobs (account_id, id) WHERE finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE attempts (
  job_id TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  node TEXT NOT NULL,
  began INTEGER NOT NULL,
  ended INTEGER,
  outcome TEXT,
  error TEXT,
  PRIMARY KEY (job_id, epoch, attempt)
);

CREATE TABLE batches (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  source_url TEXT,
  folder TEXT,
  status TEXT NOT NULL,
  version INTEGER NOT NULL,
  parent_job_id TEXT,
  webhook_url TEXT,
  total INTEGER NOT NULL,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  skipped INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  processing INTEGER NOT NULL,
  truncated INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  finished_at INTEGER,
  terminal_event_id INTEGER
);
CREATE INDEX batches_account ON batches (account_id, id DESC);

CREATE TABLE files (
  file_id TEXT PRIMARY KEY,
  job_id TEXT NOT NULL,
  account_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  language TEXT,
  -- The logical key that clients see, and the physical one inside the target.
  path TEXT NOT NULL,
  store_key TEXT NOT NULL,
  target_id TEXT NOT NULL,
  size INTEGER NOT NULL,
  content_type TEXT NOT NULL,
  sha256 TEXT,
  etag TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- Never cleared again.
  deleted_at INTEGER
);
CREATE INDEX files_job ON files (job_id);
CREATE INDEX files_account_path ON files (account_id, path);

CREATE TABLE deliveries (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  job_id TEXT,
  batch_id TEXT,
  type TEXT NOT NULL,
  url TEXT NOT NULL,
  status TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  last_status_code INTEGER,
  last_error TEXT,
  response_time_ms INTEGER,
  next_attempt_at INTEGER,
  sealed_body TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  finished_at INTEGER
);
CREATE INDEX deliveries_account ON deliveries (account_id, id DESC);
CREATE INDEX deliveries_job ON deliveries (job_id);

-- Counters travel as absolute values; `version` keeps a late write from undoing a newer one.
CREATE TABLE usage (
  account_id TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  usage_count INTEGER NOT NULL,
  bytes_used INTEGER NOT NULL,
  bytes_reserved INTEGER NOT NULL,
  jobs_pending INTEGER NOT NULL,
  jobs_processing INTEGER NOT NULL,
  jobs_completed INTEGER NOT NULL,
  jobs_failed INTEGER NOT NULL,
  jobs_warning INTEGER NOT NULL,
  jobs_skipped INTEGER NOT NULL
);
