-- Which list of the downloads API a finished job is on; null: it goes on, or was removed from that surface.
ALTER TABLE jobs ADD COLUMN listed TEXT GENERATED ALWAYS AS (
  CASE WHEN finished_at IS NULL OR hidden_at IS NOT NULL THEN NULL
       WHEN state IN ('completed', 'cancelled') THEN state ELSE 'error' END
) VIRTUAL;

-- How many are on each. Kept by triggers: rows come, change and go from several places (drains, removals, the sweep of old
-- records), and a total has to be that of the rows whoever changed them.
CREATE TABLE download_counts (
  account_id TEXT NOT NULL, list TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (account_id, list)
) WITHOUT ROWID;

INSERT INTO download_counts (account_id, list, n)
  SELECT account_id, listed, count(*) FROM jobs WHERE listed IS NOT NULL GROUP BY account_id, listed;

-- The drop of hidden rows was for the total alone.
DROP INDEX jobs_hidden;

CREATE TRIGGER download_listed_at_once AFTER INSERT ON jobs WHEN NEW.listed IS NOT NULL
BEGIN
  INSERT INTO download_counts (account_id, list, n) VALUES (NEW.account_id, NEW.listed, 1)
    ON CONFLICT (account_id, list) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER download_listed AFTER UPDATE OF state, finished_at, hidden_at ON jobs
  WHEN NEW.listed IS NOT NULL AND NEW.listed IS NOT OLD.listed
BEGIN
  INSERT INTO download_counts (account_id, list, n) VALUES (NEW.account_id, NEW.listed, 1)
    ON CONFLICT (account_id, list) DO UPDATE SET n = n + 1;
END;

CREATE TRIGGER download_unlisted AFTER UPDATE OF state, finished_at, hidden_at ON jobs
  WHEN OLD.listed IS NOT NULL AND NEW.listed IS NOT OLD.listed
BEGIN
  UPDATE download_counts SET n = n - 1 WHERE account_id = OLD.account_id AND list = OLD.listed;
END;

CREATE TRIGGER download_gone AFTER DELETE ON jobs WHEN OLD.listed IS NOT NULL
BEGIN
  UPDATE download_counts SET n = n - 1 WHERE account_id = OLD.account_id AND list = OLD.listed;
END;
