-- Webhooks (jobs API 8): the delivery log and the account's own endpoints. What is secret is sealed: bodies hold signed
-- file URLs, and a receiver's address is often a credential by itself.

ALTER TABLE deliveries RENAME COLUMN url TO sealed_url;
-- The courier is the only writer; an upsert applies only if its version is greater.
ALTER TABLE deliveries ADD COLUMN version INTEGER NOT NULL DEFAULT 0;

-- Newest first. An id carries the time its job was created, so it does not say when the delivery was.
DROP INDEX deliveries_account;
CREATE INDEX deliveries_account ON deliveries (account_id, created_at DESC, id DESC);
CREATE INDEX deliveries_account_status ON deliveries (account_id, status, created_at DESC, id DESC);

-- Where an account wants to hear of things besides the `webhook_url` of its jobs.
CREATE TABLE endpoints (
  id TEXT PRIMARY KEY,
  account_id TEXT NOT NULL REFERENCES accounts (id),
  kind TEXT NOT NULL,
  sealed_url TEXT NOT NULL,
  sealed_secret TEXT,
  -- JSON; its keys depend on the kind.
  filter TEXT NOT NULL DEFAULT '{}',
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
);
CREATE INDEX endpoints_account ON endpoints (account_id, kind);
CREATE UNIQUE INDEX endpoints_slack ON endpoints (account_id) WHERE kind = 'slack';
