-- What a partition asks of D1 to keep its promises through the loss of its storage.

-- Each flight of the drain sets `live` by its own epoch. One of a dead generation breaks the constraint, and with it goes
-- the whole transaction: no row of it is written.
ALTER TABLE partitions ADD COLUMN live INTEGER NOT NULL DEFAULT 1 CONSTRAINT live_generation CHECK (live = 1);
-- The newest event that D1 has, and how far the other sinks were when that flight began. Ends beyond are told again.
ALTER TABLE partitions ADD COLUMN d1_event INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partitions ADD COLUMN stream_event INTEGER NOT NULL DEFAULT 0;
ALTER TABLE partitions ADD COLUMN courier_event INTEGER NOT NULL DEFAULT 0;

-- The newest event that a job's counters stand on, and the one from which on it may be handed out.
ALTER TABLE usage ADD COLUMN event INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN create_event INTEGER;

-- What was there before has been told and counted.
UPDATE partitions SET d1_event = coalesce((SELECT max(terminal_event_id) FROM jobs), 0);
UPDATE partitions SET stream_event = d1_event, courier_event = d1_event;
UPDATE usage SET event = coalesce((SELECT max(terminal_event_id) FROM jobs), 0);

-- First answers of idempotency keys (jobs API 1.4), kept 24 h: written with the last job of the create, or not at all.
CREATE TABLE idempotency (
  account_id TEXT NOT NULL,
  key_id TEXT NOT NULL,
  key TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  began_at INTEGER NOT NULL,
  event INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (account_id, key_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_age ON idempotency (began_at);

-- What a rebuild looks for: ends that may not have been told, and batches that go on.
CREATE INDEX jobs_ended ON jobs (account_id, terminal_event_id) WHERE terminal_event_id IS NOT NULL;
CREATE INDEX batches_ended ON batches (account_id, terminal_event_id) WHERE terminal_event_id IS NOT NULL;
CREATE INDEX batches_live ON batches (account_id) WHERE finished_at IS NULL;
