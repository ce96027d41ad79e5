-- Streams that have not begun: when waiting ends, and when the site says that they begin. A rebuilt partition goes on waiting.
ALTER TABLE jobs ADD COLUMN wait_until INTEGER;
ALTER TABLE jobs ADD COLUMN starts_at INTEGER;
