-- The library API's own words for jobs (sections 3 and 4 there; docs/decisions/145).

-- What it tells of a job beside the job: written before the job is, and by the Worker alone. A list's entries have that of
-- the job which became the list.
CREATE TABLE library_items (
  job_id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  -- JSON: preset, templates, what the user sent along.
  facts TEXT NOT NULL,
  -- JSON of command line and cookies, sealed: both may hold passwords. NULL: there are none.
  sealed TEXT,
  created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX library_items_account ON library_items (account_id);

CREATE TRIGGER library_item_gone AFTER DELETE ON jobs
BEGIN
  DELETE FROM library_items WHERE job_id = OLD.id;
END;

-- A job's status in the history; null: in the queue, forgotten, or no item at all (what became a list).
ALTER TABLE jobs ADD COLUMN item TEXT GENERATED ALWAYS AS (
  CASE WHEN role = 'parent' OR hidden_at IS NOT NULL THEN NULL
       WHEN state = 'completed' THEN 'finished'
       WHEN state IN ('failed', 'warning') THEN 'error'
       WHEN state = 'skipped' THEN 'skip'
       WHEN state = 'cancelled' THEN 'cancelled'
       WHEN state = 'waiting' THEN 'not_live' END
) VIRTUAL;
CREATE INDEX jobs_item ON jobs (account_id, id) WHERE item IS NOT NULL;

-- How many of each there are, kept by triggers: as download_counts.
CREATE TABLE library_counts (
  account_id TEXT NOT NULL, item TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (account_id, item)
) WITHOUT ROWID;

INSERT INTO library_counts (account_id, item, n)
  SELECT account_id, item, count(*) FROM jobs WHERE item IS NOT NULL GROUP BY account_id, item;

CREATE TRIGGER library_counted_at_once AFTER INSERT ON jobs WHEN NEW.item IS NOT NULL
BEGIN
  INSERT INTO library_counts (account_id, item, n) VALUES (NEW.account_id, NEW.item, 1)
    ON CONFLICT (account_id, item) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER library_counted AFTER UPDATE OF state, role, hidden_at ON jobs
  WHEN NEW.item IS NOT NULL AND NEW.item IS NOT OLD.item
BEGIN
  INSERT INTO library_counts (account_id, item, n) VALUES (NEW.account_id, NEW.item, 1)
    ON CONFLICT (account_id, item) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER library_uncounted AFTER UPDATE OF state, role, hidden_at ON jobs
  WHEN OLD.item IS NOT NULL AND NEW.item IS NOT OLD.item
BEGIN
  UPDATE library_counts SET n = n - 1 WHERE account_id = OLD.account_id AND item = OLD.item;
END;

CREATE TRIGGER library_count_gone AFTER DELETE ON jobs WHEN OLD.item IS NOT NULL
BEGIN
  UPDATE library_counts SET n = n - 1 WHERE account_id = OLD.account_id AND item = OLD.item;
END;
