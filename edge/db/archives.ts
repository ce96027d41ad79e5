/** Archives in D1 (library API, section 6): what an account has downloaded, by the archive's name and the archive id. */

/** Which archive. */
export interface ArchiveScope {
  account: string;
  name: string;
}

/** Entries that one answer lists; the archives of the largest collections are a tenth of this. */
const MAX_LISTED = 1_000_000;

/** All of them, oldest first. By archives_age(account_id, name, created_at, entry). */
export async function listArchive(db: D1Database, { account, name }: ArchiveScope): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT entry FROM archives INDEXED BY archives_age WHERE account_id = ? AND name = ?
       ORDER BY created_at, entry LIMIT ${MAX_LISTED}`,
    )
    .bind(account, name)
    .all<{ entry: string }>();
  return results.map(({ entry }) => entry);
}

/** Those of the entries that are recorded. By primary key. */
export async function archived(
  db: D1Database,
  { account, name }: ArchiveScope,
  entries: readonly string[],
): Promise<Set<string>> {
  const { results } = await db
    .prepare(
      `SELECT entry FROM archives WHERE account_id = ? AND name = ? AND entry IN (SELECT value FROM json_each(?))`,
    )
    .bind(account, name, JSON.stringify(entries))
    .all<{ entry: string }>();
  return new Set(results.map(({ entry }) => entry));
}

/** Records entries; how many were new. In microseconds, so that those of one call keep their order. */
export async function addToArchive(
  db: D1Database,
  { account, name }: ArchiveScope,
  entries: readonly string[],
  now: number,
): Promise<number> {
  const { meta } = await db
    .prepare(
      `INSERT INTO archives (account_id, name, entry, created_at) SELECT ?1, ?2, value, ?3 * 1000 + key FROM json_each(?4) WHERE true
       ON CONFLICT DO NOTHING`,
    )
    .bind(account, name, now, JSON.stringify(entries))
    .run();
  return meta.changes;
}

/** By primary key. */
export async function removeFromArchive(
  db: D1Database,
  { account, name }: ArchiveScope,
  entries: readonly string[],
): Promise<void> {
  await db
    .prepare("DELETE FROM archives WHERE account_id = ? AND name = ? AND entry IN (SELECT value FROM json_each(?))")
    .bind(account, name, JSON.stringify(entries))
    .run();
}
