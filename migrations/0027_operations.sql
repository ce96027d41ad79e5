-- Quarantine of a node is the whole fleet's: counted here, and told to every partition.

-- Why a node gets no work until the operator resumes it; NULL: it may have some.
ALTER TABLE nodes ADD COLUMN quarantine TEXT;
-- How many faults of its own it has reported in a row, and the time from which they count: its last delivery or resume.
ALTER TABLE nodes ADD COLUMN faults INTEGER NOT NULL DEFAULT 0;
ALTER TABLE nodes ADD COLUMN faults_since INTEGER NOT NULL DEFAULT 0;
-- Raised by each change of what partitions must know of a node: of two that reach one, the later counts.
ALTER TABLE nodes ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;

-- One row a failed attempt, so that a repeated telling counts once. Gone with the next delivery or resume.
CREATE TABLE node_faults (
  node_id TEXT NOT NULL,
  attempt TEXT NOT NULL,
  fault TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (node_id, attempt)
) WITHOUT ROWID;

-- Where sealed records stand, so that the sweep finds them behind any number of rows without one.
CREATE INDEX jobs_sealed ON jobs (id) WHERE sealed IS NOT NULL;
CREATE INDEX files_sealed ON files (file_id) WHERE sealed_url IS NOT NULL;

-- Sealed records by the key that opens them: as the last whole round of the sweep found them, and this one so far.
CREATE TABLE sealed_records (
  kek TEXT PRIMARY KEY,
  records INTEGER NOT NULL DEFAULT 0,
  counting INTEGER NOT NULL DEFAULT 0,
  -- When the last whole round ended; NULL: none has.
  counted_at INTEGER
) WITHOUT ROWID;
