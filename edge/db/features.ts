/** Rows of the library API's features (sections 7 and 8 there; docs/decisions/137), each by account and kind. */

export const FEATURE_PURPOSE = "library-feature";

export type FeatureName = "presets" | "dl_fields" | "conditions" | "notifications" | "tasks" | "tasks_definitions";

/** Which rows: the account's, of one kind. */
export interface FeatureScope {
  account: string;
  kind: FeatureName;
}

/** What a row says. */
export interface FeatureContent {
  name: string;
  /** Lists are by this, low first, then by name. */
  rank: number;
  /** Bytes of the two below, as they were before one of them was sealed. */
  size: number;
  /** JSON object. */
  body: string;
  sealed: string | null;
}

export interface FeatureRow extends FeatureContent {
  id: number;
  version: number;
  created_at: number;
  updated_at: number;
}

const COLUMNS = "id, name, rank, version, created_at, updated_at, size, body, sealed";

/** By library_features_order(account_id, kind, rank, name). */
export async function listFeatures(
  db: D1Database,
  { account, kind }: FeatureScope,
  page: { limit: number; offset: number },
): Promise<FeatureRow[]> {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM library_features INDEXED BY library_features_order WHERE account_id = ? AND kind = ?
       ORDER BY rank, name LIMIT ? OFFSET ?`,
    )
    .bind(account, kind, page.limit, page.offset)
    .all<FeatureRow>();
  return results;
}

/** How many there are, and their bytes. Reads each row's first columns; there are at most some thousand. */
export async function measureFeatures(
  db: D1Database,
  { account, kind }: FeatureScope,
): Promise<{ rows: number; bytes: number }> {
  const found = await db
    .prepare(
      "SELECT count(*) AS rows, coalesce(sum(size), 0) AS bytes FROM library_features WHERE account_id = ? AND kind = ?",
    )
    .bind(account, kind)
    .first<{ rows: number; bytes: number }>();
  return found ?? { rows: 0, bytes: 0 };
}

/** By library_features_id(account_id, kind, id). */
export async function findFeature(
  db: D1Database,
  { account, kind }: FeatureScope,
  id: number,
): Promise<FeatureRow | null> {
  return db
    .prepare(`SELECT ${COLUMNS} FROM library_features WHERE account_id = ? AND kind = ? AND id = ?`)
    .bind(account, kind, id)
    .first<FeatureRow>();
}

/** By library_features_name(account_id, kind, name). */
export async function findFeatureByName(
  db: D1Database,
  { account, kind }: FeatureScope,
  name: string,
): Promise<FeatureRow | null> {
  return db
    .prepare(`SELECT ${COLUMNS} FROM library_features WHERE account_id = ? AND kind = ? AND name = ?`)
    .bind(account, kind, name)
    .first<FeatureRow>();
}

/** All their names. By library_features_name, which covers it. */
export async function featureNames(db: D1Database, { account, kind }: FeatureScope): Promise<Set<string>> {
  const { results } = await db
    .prepare("SELECT name FROM library_features WHERE account_id = ? AND kind = ?")
    .bind(account, kind)
    .all<{ name: string }>();
  return new Set(results.map((row) => row.name));
}

/**
 * Makes the rows whose names are free, in their order, and returns those. One transaction: ids that were given out stay
 * given out, and a row that is not made takes none. The names of `rows` must differ.
 *
 * @param firstId of an account that has never had one.
 */
export async function insertFeatures(
  db: D1Database,
  { account, kind }: FeatureScope,
  rows: readonly FeatureContent[],
  firstId: number,
  now: number,
): Promise<FeatureRow[]> {
  // Bodies go as JSON, not as texts: quoted twice, one of 1 MiB could outgrow what D1 takes as a value.
  const json = `[${rows.map((row) => `{"name":${JSON.stringify(row.name)},"rank":${row.rank},"size":${row.size},"body":${row.body},"sealed":${JSON.stringify(row.sealed)}}`).join(",")}]`;
  const [, made] = await db.batch<FeatureRow>([
    db
      .prepare("INSERT INTO library_ids (account_id, kind, last) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
      .bind(account, kind, firstId - 1),
    db
      .prepare(
        `INSERT INTO library_features (account_id, kind, id, name, rank, created_at, updated_at, size, body, sealed)
         SELECT ?1, ?2, l.last + row_number() OVER (ORDER BY e.key), e.value ->> '$.name', e.value ->> '$.rank',
           ?4, ?4, e.value ->> '$.size', e.value -> '$.body', e.value ->> '$.sealed'
         FROM json_each(?3) e JOIN library_ids l ON l.account_id = ?1 AND l.kind = ?2
         WHERE NOT EXISTS (SELECT 1 FROM library_features f
           WHERE f.account_id = ?1 AND f.kind = ?2 AND f.name = e.value ->> '$.name')
         ORDER BY e.key
         RETURNING ${COLUMNS}`,
      )
      .bind(account, kind, json, now),
    db
      .prepare(
        `UPDATE library_ids SET last = max(last, coalesce((SELECT max(id) FROM library_features
           WHERE account_id = ?1 AND kind = ?2), 0)) WHERE account_id = ?1 AND kind = ?2`,
      )
      .bind(account, kind),
  ]);
  return (made?.results ?? []).toSorted((a, b) => a.id - b.id);
}

/** Null: the row has changed since `version`, or is gone, or its new name is another's (`OR IGNORE` leaves it then). */
export async function updateFeature(
  db: D1Database,
  { account, kind }: FeatureScope,
  id: number,
  version: number,
  content: FeatureContent,
  now: number,
): Promise<FeatureRow | null> {
  const { name, rank, size, body, sealed } = content;
  return db
    .prepare(
      `UPDATE OR IGNORE library_features
       SET name = ?, rank = ?, size = ?, body = ?, sealed = ?, updated_at = ?, version = version + 1
       WHERE account_id = ? AND kind = ? AND id = ? AND version = ? RETURNING ${COLUMNS}`,
    )
    .bind(name, rank, size, body, sealed, now, account, kind, id, version)
    .first<FeatureRow>();
}

/** Returns the row that was there. */
export async function deleteFeature(
  db: D1Database,
  { account, kind }: FeatureScope,
  id: number,
): Promise<FeatureRow | null> {
  return db
    .prepare(`DELETE FROM library_features WHERE account_id = ? AND kind = ? AND id = ? RETURNING ${COLUMNS}`)
    .bind(account, kind, id)
    .first<FeatureRow>();
}
