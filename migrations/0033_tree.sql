-- The file tree of the library API (sections 9.1, 9.2 there; docs/decisions/143): managed storage by its logical paths, one
-- row a file and one a folder. The root has none.
CREATE TABLE tree (
  account_id TEXT NOT NULL,
  -- Without a leading slash.
  path TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('file', 'dir')),
  size INTEGER NOT NULL DEFAULT 0,
  -- Unix milliseconds.
  mtime INTEGER NOT NULL,
  ctime INTEGER NOT NULL,
  -- Of files: what the object bears, and where it lies.
  etag TEXT,
  store_key TEXT,
  -- Of files that jobs delivered; null: put there by hand.
  file_id TEXT,
  job_id TEXT,
  mime TEXT,
  -- Folders that somebody made: they stay when nothing is left in them.
  kept INTEGER NOT NULL DEFAULT 0,
  -- When this row came to stand as it does: a look at the disk that began before knows nothing of it.
  noted_at INTEGER NOT NULL,
  -- Where it is just being moved to: a move that broke off is found by it.
  moving_to TEXT,
  -- All that is told by the path itself, so that nothing else has to keep them in step.
  parent TEXT NOT NULL GENERATED ALWAYS AS (rtrim(rtrim(path, replace(path, '/', '')), '/')) STORED,
  name TEXT NOT NULL GENERATED ALWAYS AS (substr(path, length(rtrim(path, replace(path, '/', ''))) + 1)) STORED,
  hidden INTEGER NOT NULL GENERATED ALWAYS AS (path GLOB '[._]*' OR path GLOB '*/[._]*') STORED,
  PRIMARY KEY (account_id, path)
) WITHOUT ROWID;
-- It holds all that a count, a search and an order by name look at.
CREATE INDEX tree_folder ON tree (account_id, parent, hidden, name COLLATE NOCASE);
CREATE INDEX tree_moving ON tree (account_id, moving_to) WHERE moving_to IS NOT NULL;

-- The folders above a new file. Triggers know no recursive queries: the path is taken apart as a JSON array, whose elements'
-- lengths tell where each prefix ends.
CREATE TRIGGER tree_folders AFTER INSERT ON tree WHEN NEW.kind = 'file' AND NEW.parent <> ''
  AND NOT EXISTS (SELECT 1 FROM tree WHERE account_id = NEW.account_id AND path = NEW.parent)
BEGIN
  INSERT INTO tree (account_id, path, kind, mtime, ctime, noted_at)
    SELECT NEW.account_id, substr(NEW.path, 1, (
        SELECT sum(length(s.value) + 1) FROM json_each('[' || replace(json_quote(NEW.parent), '/', '","') || ']') s
        WHERE s.key <= part.key) - 1), 'dir', NEW.mtime, NEW.mtime, NEW.noted_at
    FROM json_each('[' || replace(json_quote(NEW.parent), '/', '","') || ']') part WHERE true
    ON CONFLICT (account_id, path) DO NOTHING;
END;

CREATE TRIGGER tree_touched AFTER INSERT ON tree WHEN NEW.kind = 'file' AND NEW.parent <> ''
BEGIN
  UPDATE tree SET mtime = NEW.mtime
    WHERE account_id = NEW.account_id AND path = NEW.parent AND kind = 'dir' AND mtime < NEW.mtime;
END;

-- The last of a folder has gone: so do the folders above that have nothing left, but for those that somebody made.
CREATE TRIGGER tree_emptied AFTER DELETE ON tree WHEN OLD.parent <> ''
  AND NOT EXISTS (SELECT 1 FROM tree
    WHERE account_id = OLD.account_id AND path > OLD.parent || '/' AND path < OLD.parent || '0')
BEGIN
  DELETE FROM tree WHERE account_id = OLD.account_id AND kind = 'dir' AND kept = 0 AND moving_to IS NULL AND path IN (
      SELECT substr(OLD.path, 1, (
        SELECT sum(length(s.value) + 1) FROM json_each('[' || replace(json_quote(OLD.parent), '/', '","') || ']') s
        WHERE s.key <= part.key) - 1)
      FROM json_each('[' || replace(json_quote(OLD.parent), '/', '","') || ']') part)
    AND NOT EXISTS (SELECT 1 FROM tree below WHERE below.account_id = OLD.account_id
      AND below.path > tree.path || '/' AND below.path < tree.path || '0' AND (below.kind = 'file' OR below.kept = 1));
END;

-- What jobs deliver comes and goes with their files' rows, in the same transaction.
CREATE TRIGGER tree_delivered AFTER INSERT ON files WHEN NEW.target_id = 'managed' AND NEW.deleted_at IS NULL
BEGIN
  INSERT INTO tree (account_id, path, kind, size, mtime, ctime, etag, store_key, file_id, job_id, mime, noted_at)
    VALUES (NEW.account_id, NEW.path, 'file', NEW.size, NEW.created_at, NEW.created_at, NEW.etag, NEW.store_key,
      NEW.file_id, NEW.job_id, NEW.content_type, NEW.created_at)
    ON CONFLICT (account_id, path) DO UPDATE SET kind = excluded.kind, size = excluded.size, mtime = excluded.mtime,
      ctime = excluded.ctime, etag = excluded.etag, store_key = excluded.store_key, file_id = excluded.file_id,
      job_id = excluded.job_id, mime = excluded.mime, noted_at = excluded.noted_at, moving_to = NULL;
END;

CREATE TRIGGER tree_erased AFTER UPDATE OF deleted_at ON files
  WHEN OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL AND NEW.target_id = 'managed'
BEGIN
  DELETE FROM tree WHERE account_id = NEW.account_id AND path = NEW.path AND file_id = NEW.file_id;
END;

-- Files of before.
INSERT INTO tree (account_id, path, kind, size, mtime, ctime, etag, store_key, file_id, job_id, mime, noted_at)
  SELECT f.account_id, f.path, 'file', f.size, f.created_at, f.created_at, f.etag, f.store_key, f.file_id, f.job_id,
    f.content_type, f.created_at
  FROM files f JOIN accounts a ON a.id = f.account_id WHERE f.target_id = 'managed' AND f.deleted_at IS NULL
  ORDER BY f.created_at
  ON CONFLICT (account_id, path) DO UPDATE SET size = excluded.size, mtime = excluded.mtime, ctime = excluded.ctime,
    etag = excluded.etag, store_key = excluded.store_key, file_id = excluded.file_id, job_id = excluded.job_id,
    mime = excluded.mime, noted_at = excluded.noted_at;

-- Links of ZIP downloads (section 9.6).
CREATE TABLE zip_tokens (
  token TEXT PRIMARY KEY,
  account_id TEXT NOT NULL,
  -- JSON list of paths.
  files TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX zip_tokens_age ON zip_tokens (expires_at);
