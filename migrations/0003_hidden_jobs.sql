-- Jobs that were removed from the downloads API's list: what its total is less by. Few rows, so a small index.
CREATE INDEX jobs_hidden ON jobs (account_id) WHERE hidden_at IS NOT NULL;
