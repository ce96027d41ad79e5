/** Answers of nodes that are kept for a while, and the options of their yt-dlps (library API 5; docs/decisions/139). */

/** Of one account. An info of a large site is 60 KB here (docs/decisions/139). */
const MAX_ACCOUNT_BYTES = 8 * 1024 * 1024;
/** Versions whose options are kept: two while a fleet is being renewed. */
const MAX_VERSIONS = 2;

export interface StoredAnswer {
  expires_at: number;
  answer: string;
}

/** By primary key. */
export async function findAnswer(
  db: D1Database,
  account: string,
  key: string,
  now: number,
): Promise<StoredAnswer | null> {
  return db
    .prepare("SELECT expires_at, answer FROM library_answers WHERE account_id = ? AND key = ? AND expires_at > ?")
    .bind(account, key, now)
    .first<StoredAnswer>();
}

/** Keeps an answer; those of the account that end first make room for it. One transaction. */
export async function putAnswer(
  db: D1Database,
  account: string,
  key: string,
  { expires_at, answer }: StoredAnswer,
): Promise<void> {
  await db.batch([
    db
      .prepare(
        `INSERT INTO library_answers (account_id, key, expires_at, size, answer) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (account_id, key) DO UPDATE SET
           expires_at = excluded.expires_at, size = excluded.size, answer = excluded.answer`,
      )
      .bind(account, key, expires_at, answer.length, answer),
    // Reads the account's rows without their answers: a few dozen.
    db
      .prepare(
        `DELETE FROM library_answers WHERE account_id = ?1 AND key IN (
           SELECT key FROM (
             SELECT key, sum(size) OVER (ORDER BY key = ?2 DESC, expires_at DESC, key) AS total
             FROM library_answers WHERE account_id = ?1)
           WHERE total > ${MAX_ACCOUNT_BYTES})`,
      )
      .bind(account, key),
  ]);
}

/** Those that have ended. By library_answers_end(expires_at). */
export async function dropEndedAnswers(db: D1Database, now: number, limit: number): Promise<number> {
  const { meta } = await db
    .prepare(
      `DELETE FROM library_answers WHERE (account_id, key) IN (
         SELECT account_id, key FROM library_answers WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`,
    )
    .bind(now, limit)
    .run();
  return meta.changes;
}

/** The options of a version; null: of whichever was seen last. JSON. By primary key, at most two rows. */
export async function findOptions(db: D1Database, account: string, version: string | null): Promise<string | null> {
  return db
    .prepare(
      `SELECT options FROM ytdlp_options WHERE account_id = ?1 AND (?2 IS NULL OR version = ?2)
       ORDER BY seen_at DESC LIMIT 1`,
    )
    .bind(account, version)
    .first<string>("options");
}

export async function putOptions(
  db: D1Database,
  account: string,
  version: string,
  options: string,
  now: number,
): Promise<void> {
  await db.batch([
    db
      .prepare(
        `INSERT INTO ytdlp_options (account_id, version, options, seen_at) VALUES (?, ?, ?, ?)
         ON CONFLICT (account_id, version) DO UPDATE SET options = excluded.options, seen_at = excluded.seen_at`,
      )
      .bind(account, version, options, now),
    db
      .prepare(
        `DELETE FROM ytdlp_options WHERE account_id = ?1 AND version NOT IN (
           SELECT version FROM ytdlp_options WHERE account_id = ?1 ORDER BY seen_at DESC LIMIT ${MAX_VERSIONS})`,
      )
      .bind(account),
  ]);
}
