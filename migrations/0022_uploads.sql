-- When a configured bucket was last searched for uploads that nobody has ended (docs/decisions/029).
ALTER TABLE targets ADD COLUMN swept_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX targets_swept ON targets (swept_at) WHERE source <> 'inline';
