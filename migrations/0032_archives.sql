-- Library API, section 6: ids of what an account has downloaded, by the archive's name.
CREATE TABLE archives (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  name TEXT NOT NULL,
  entry TEXT NOT NULL,
  -- Microseconds.
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, name, entry)
) WITHOUT ROWID;
-- Lists are oldest first.
CREATE INDEX archives_age ON archives (account_id, name, created_at, entry);

-- Library API, section 5: answers of nodes, for a while (docs/decisions/139).
CREATE TABLE library_answers (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  -- MAC of what was asked: a command line may hold a password.
  key TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  -- Bytes of `answer`.
  size INTEGER NOT NULL,
  -- Compressed and sealed: what a site says with somebody's cookies is his.
  answer TEXT NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;
CREATE INDEX library_answers_end ON library_answers (expires_at);

-- The options of the yt-dlps that an account's nodes have had. By account: a node of one's own may say what it likes.
CREATE TABLE ytdlp_options (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  version TEXT NOT NULL,
  -- JSON.
  options TEXT NOT NULL,
  seen_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, version)
) WITHOUT ROWID;
