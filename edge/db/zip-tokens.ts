/** Links of ZIP downloads (library API 9.6). */

export async function insertZipToken(
  db: D1Database,
  token: { token: string; account: string; files: readonly string[]; expiresAt: number },
): Promise<void> {
  await db
    .prepare("INSERT INTO zip_tokens (token, account_id, files, expires_at) VALUES (?, ?, ?, ?)")
    .bind(token.token, token.account, JSON.stringify(token.files), token.expiresAt)
    .run();
}

/** Its paths; null: there is none of this account's, or it has run out. By primary key. */
export async function findZipToken(
  db: D1Database,
  account: string,
  token: string,
  now: number,
): Promise<string[] | null> {
  const files = await db
    .prepare("SELECT files FROM zip_tokens WHERE token = ? AND account_id = ? AND expires_at > ?")
    .bind(token, account, now)
    .first<string>("files");
  return files === null ? null : (JSON.parse(files) as string[]);
}

/** Uses zip_tokens_age(expires_at). */
export async function dropZipTokens(db: D1Database, before: number): Promise<void> {
  await db.prepare("DELETE FROM zip_tokens WHERE expires_at <= ?").bind(before).run();
}
