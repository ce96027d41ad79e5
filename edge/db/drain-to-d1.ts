/** One drain flight as one D1 transaction. A row only overwrites an older version of itself, so a repeat is harmless. */
import { IDEMPOTENCY_KEPT_MS } from "../../shared/limits.ts";
import { BATCH_COLUMNS } from "../partition/batches.ts";
import type { D1Flight } from "../partition/drain.ts";
import { DRAINED_COLUMNS } from "../partition/job-row.ts";
import type { Database } from "./database.ts";
import { fence, type Generation } from "./generation.ts";

/** D1 refuses larger values; the local one does not, so we look ourselves (DESIGN section 8). */
const MAX_VALUE_BYTES = 2_000_000;

const encoder = new TextEncoder();

/**
 * The columns of each row of the one JSON parameter. Materialised: `json_each` writes its `value` anew each time that a column
 * asks for it, which was four fifths of what a flight of jobs took (9.1 ms for 100 jobs of 53 columns, 2.3 ms like this).
 */
function selectFrom(columns: readonly string[]): string {
  const extracted = columns.map((column) => `json_extract(value, '$.${column}')`).join(", ");
  return `WITH row (value) AS MATERIALIZED (SELECT value FROM json_each(?1)) SELECT ${extracted} FROM row WHERE true`;
}

function overwrite(columns: readonly string[]): string {
  return columns.map((column) => `${column} = excluded.${column}`).join(", ");
}

const JOB_UPSERT = `INSERT INTO jobs (${DRAINED_COLUMNS.join(", ")})
  ${selectFrom(DRAINED_COLUMNS)}
  ON CONFLICT (id) DO UPDATE SET ${overwrite(DRAINED_COLUMNS.filter((column) => column !== "id"))}
  WHERE excluded.version > jobs.version`;

const BATCH_UPSERT = `INSERT INTO batches (${BATCH_COLUMNS.join(", ")})
  ${selectFrom(BATCH_COLUMNS)}
  ON CONFLICT (id) DO UPDATE SET ${overwrite(BATCH_COLUMNS.filter((column) => column !== "id"))}
  WHERE excluded.version > batches.version`;

const FILE_COLUMNS = [
  "file_id",
  "job_id",
  "account_id",
  "kind",
  "language",
  "path",
  "store_key",
  "target_id",
  "size",
  "content_type",
  "sha256",
  "etag",
  "created_at",
  "deleted_at",
  "sealed_url",
  "url_until",
] as const;
const FILE_INSERT = `INSERT INTO files (${FILE_COLUMNS.join(", ")})
  ${selectFrom(FILE_COLUMNS)} ON CONFLICT (file_id) DO NOTHING`;

const ATTEMPT_COLUMNS = ["job_id", "attempt", "epoch", "node", "began", "ended", "outcome", "error"] as const;
const ATTEMPT_UPSERT = `INSERT INTO attempts (${ATTEMPT_COLUMNS.join(", ")})
  ${selectFrom(ATTEMPT_COLUMNS)}
  ON CONFLICT (job_id, epoch, attempt) DO UPDATE SET ended = excluded.ended, outcome = excluded.outcome, error = excluded.error
  WHERE excluded.ended IS NOT NULL`;

const USAGE_COLUMNS = [
  "account_id",
  "version",
  "usage_count",
  "bytes_used",
  "bytes_reserved",
  "jobs_pending",
  "jobs_processing",
  "jobs_completed",
  "jobs_failed",
  "jobs_warning",
  "jobs_skipped",
  "event",
] as const;
const USAGE_UPSERT = `INSERT INTO usage (${USAGE_COLUMNS.join(", ")})
  ${selectFrom(USAGE_COLUMNS)}
  ON CONFLICT (account_id) DO UPDATE SET ${overwrite(USAGE_COLUMNS.slice(1))} WHERE excluded.version > usage.version`;

const IDEMPOTENCY_COLUMNS = ["account_id", "key_id", "key", "fingerprint", "began_at", "event", "body"] as const;
const IDEMPOTENCY_UPSERT = `INSERT INTO idempotency (${IDEMPOTENCY_COLUMNS.join(", ")})
  ${selectFrom(IDEMPOTENCY_COLUMNS)}
  ON CONFLICT (account_id, key_id, key) DO UPDATE SET ${overwrite(IDEMPOTENCY_COLUMNS.slice(3))}
  WHERE excluded.began_at > idempotency.began_at`;

/** D1 owns the rest of the row. */
const ACCOUNT_UPDATE = `UPDATE accounts SET paused = json_extract(value, '$.paused')
  FROM json_each(?1) WHERE accounts.id = json_extract(value, '$.id')`;

/** Old keys that one flight with new ones takes away: more than it brings, so the table does not grow for ever. */
const FORGOTTEN_KEYS = 1_000;
// Uses idempotency_age(began_at).
const IDEMPOTENCY_FORGET = `DELETE FROM idempotency WHERE (account_id, key_id, key) IN
  (SELECT account_id, key_id, key FROM idempotency WHERE began_at < ? LIMIT ${FORGOTTEN_KEYS})`;

/**
 * Writes the flight; throws if D1 did not take it, and then nothing of it is there. So it does once a later generation
 * of the partition has been born: see {@link isSuperseded}.
 */
export async function drainToD1(db: Database, flight: D1Flight, generation: Generation): Promise<void> {
  const statements = (
    [
      [JOB_UPSERT, flight.jobs],
      [BATCH_UPSERT, flight.batches],
      [FILE_INSERT, flight.files],
      [ATTEMPT_UPSERT, flight.attempts],
      [USAGE_UPSERT, flight.usage],
      [IDEMPOTENCY_UPSERT, flight.idempotency],
      [ACCOUNT_UPDATE, flight.accounts],
    ] as const
  ).flatMap(([statement, rows]) => jsonChunks(rows).map((chunk) => db.prepare(statement).bind(chunk)));
  const newestKey = flight.idempotency.at(-1)?.began_at;
  if (newestKey !== undefined) {
    statements.push(db.prepare(IDEMPOTENCY_FORGET).bind(newestKey - IDEMPOTENCY_KEPT_MS));
  }
  if (statements.length > 0) await db.batch([fence(db, generation), ...statements]);
}

/**
 * The rows as JSON arrays of at most `MAX_VALUE_BYTES` bytes each. A flight is bounded by characters, of which one may take
 * three bytes; were it refused whole, no later event would ever pass.
 */
function jsonChunks(rows: readonly unknown[]): string[] {
  const chunks: string[] = [];
  let chunk: string[] = [];
  let bytes = 1;
  const close = () => {
    if (chunk.length > 0) chunks.push(`[${chunk.join(",")}]`);
    chunk = [];
    bytes = 1;
  };
  for (const row of rows) {
    const json = JSON.stringify(row);
    const size = encoder.encode(json).length + 1;
    if (size + 1 > MAX_VALUE_BYTES) throw new Error(`a row of ${size} bytes is too large for D1`);
    if (bytes + size > MAX_VALUE_BYTES) close();
    chunk.push(json);
    bytes += size;
  }
  close();
  return chunks;
}
