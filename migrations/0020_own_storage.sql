-- Storage of the accounts' own (jobs API 9.2, 11.2).

-- The one URL of a file in inline storage: signed at the end of its job, sealed, answered until then.
ALTER TABLE files ADD COLUMN sealed_url TEXT;
ALTER TABLE files ADD COLUMN url_until INTEGER;

-- When to look whether the credentials of a configuration that was replaced or removed are still needed by live jobs.
ALTER TABLE targets ADD COLUMN forget_at INTEGER;
CREATE INDEX targets_forget ON targets (forget_at) WHERE forget_at IS NOT NULL;
-- For the removal of an account: each job with inline storage has a target of its own.
CREATE INDEX targets_account ON targets (account_id);
