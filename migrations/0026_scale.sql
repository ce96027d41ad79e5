-- Figures of the last days read the rows of those days, not the account's whole history.
CREATE INDEX jobs_account_finished ON jobs (account_id, finished_at) WHERE finished_at IS NOT NULL;
