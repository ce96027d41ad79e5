-- What stays and what goes (jobs API 3.9, 11.2; docs/decisions/028): deletion of files, the operator's retention of files
-- and of records, and where the sweeps stand.

-- When a file that is to go is looked at next. Written before its bytes are touched, null again once its name is free too.
ALTER TABLE files ADD COLUMN erase_at INTEGER;
CREATE INDEX files_erase ON files (erase_at)
  WHERE erase_at IS NOT NULL AND (target_id = 'managed' OR deleted_at IS NOT NULL);
-- Managed files by age: a file is as old as the end of its job.
CREATE INDEX files_age ON files (created_at) WHERE deleted_at IS NULL AND erase_at IS NULL AND target_id = 'managed';

-- The sweep walks over finished work, some of which stays for its files: it goes on where it stopped.
DROP INDEX jobs_finished;
CREATE INDEX jobs_finished ON jobs (finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX batches_finished ON batches (finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX deliveries_batch ON deliveries (batch_id) WHERE job_id IS NULL AND batch_id IS NOT NULL;
CREATE TABLE sweeps (
  name TEXT PRIMARY KEY,
  after_time INTEGER NOT NULL DEFAULT 0,
  after_id TEXT NOT NULL DEFAULT '',
  rest_until INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- Jobs whose records went. A partition's counters never fall, so what lists count is they less these.
CREATE TABLE gone_records (
  account_id TEXT PRIMARY KEY,
  completed INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  warning INTEGER NOT NULL,
  skipped INTEGER NOT NULL
) WITHOUT ROWID;
