-- Library API, sections 7 and 8: presets, dl_fields, conditions, notification targets, tasks, task definitions
-- (docs/decisions/137).
CREATE TABLE library_features (
  record INTEGER PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  -- From 1 per account and kind, never used twice.
  id INTEGER NOT NULL,
  name TEXT NOT NULL,
  -- Lists are by this, low first, then by name.
  rank INTEGER NOT NULL,
  -- Raised by each change: of two that have read the same row, one begins anew.
  version INTEGER NOT NULL DEFAULT 1,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  -- Bytes of what the two columns below say, in front of them so that a sum does not read them.
  size INTEGER NOT NULL,
  -- JSON of the fields that may be read by anyone who reads the table …
  body TEXT NOT NULL,
  -- … and of those that may not: cookies, command lines, requests. NULL: they are empty.
  sealed TEXT
);
CREATE UNIQUE INDEX library_features_id ON library_features (account_id, kind, id);
CREATE UNIQUE INDEX library_features_name ON library_features (account_id, kind, name);
CREATE INDEX library_features_order ON library_features (account_id, kind, rank, name);

-- The last id that was given out.
CREATE TABLE library_ids (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (account_id, kind)
) WITHOUT ROWID;
