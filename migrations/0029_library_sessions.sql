-- The account's own name and password as one credential: another with each change of either; NULL: as at first, and the
-- account's id stands for it.
ALTER TABLE accounts ADD COLUMN sign_in_id TEXT;

-- Browsers that have signed in (cookie `auth`). One row a credential and day, whatever the number of browsers.
CREATE TABLE browser_sessions (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  -- `api_keys.id`, or `accounts.sign_in_id`: the session ends with it.
  credential TEXT NOT NULL,
  -- Since 1970.
  day INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  UNIQUE (credential, day)
) WITHOUT ROWID;
CREATE INDEX browser_session_age ON browser_sessions (expires_at);
