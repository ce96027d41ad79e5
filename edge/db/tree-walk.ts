/** The account after this one, and where its managed files begin; null: that was the last. By primary key. */
export function accountRootAfter(db: D1Database, id: string): Promise<{ id: string; store_prefix: string } | null> {
  return db
    .prepare("SELECT id, store_prefix FROM accounts WHERE id > ? AND state = 'active' ORDER BY id LIMIT 1")
    .bind(id)
    .first<{ id: string; store_prefix: string }>();
}
