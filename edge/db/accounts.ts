/** Accounts in D1. */
import type { AccountFacts } from "../partition/create.ts";
import { ACCOUNT_STORAGE } from "./account-storage.ts";

export interface AccountRow {
  id: string;
  name: string;
  partition: string;
  pool: string;
  /** JSON `Limits`. */
  limits: string;
  created_at: number;
}

/** With what the library API signs in by (never the password's hash). */
export interface AccountDetails extends AccountRow {
  username: string | null;
  console: number;
  store_prefix: string;
  /** JSON of its current storage, credentials sealed. */
  storage: string | null;
}

export async function listAccounts(db: D1Database): Promise<AccountRow[]> {
  const { results } = await db
    .prepare(
      "SELECT id, name, partition, pool, limits, created_at FROM accounts WHERE state = 'active' ORDER BY created_at, id",
    )
    .all<AccountRow>();
  return results;
}

/** By primary key. An account that is being removed is unknown. */
export async function findAccount(db: D1Database, id: string): Promise<AccountDetails | null> {
  return db
    .prepare(
      `SELECT id, name, partition, pool, limits, created_at, username, console, store_prefix, ${ACCOUNT_STORAGE} AS storage
       FROM accounts a WHERE id = ? AND state = 'active'`,
    )
    .bind(id)
    .first<AccountDetails>();
}

/** The first account keeps its files at the root of the store, the others under `@<id>/` (DESIGN section 6). */
export async function insertAccount(db: D1Database, account: AccountRow): Promise<void> {
  await db
    .prepare(
      `INSERT INTO accounts (id, name, partition, pool, limits, store_prefix, created_at)
       SELECT ?1, ?2, ?3, ?4, ?5, CASE WHEN EXISTS (SELECT 1 FROM accounts) THEN '@' || ?1 || '/' ELSE '' END, ?6`,
    )
    .bind(account.id, account.name, account.partition, account.pool, account.limits, account.created_at)
    .run();
}

/** What an operator may change. Absent: stays. */
export interface AccountChanges {
  name?: string;
  limits?: string;
  pool?: string;
  username?: string | null;
  password_hash?: string | null;
  console?: number;
  /** Another one with each change of the name or the password. */
  sign_in_id?: string;
}

/**
 * What stands for the account's own name and password where other credentials have a key's id.
 *
 * @param accounts as the statement calls the table.
 */
export function signInId(accounts: string): string {
  return `coalesce(${accounts}.sign_in_id, ${accounts}.id)`;
}

/**
 * The id of the name and password that the account had before; null when the user name belongs to another account:
 * `OR IGNORE` leaves the row as it was then.
 */
export async function updateAccount(
  db: D1Database,
  id: string,
  changes: AccountChanges,
): Promise<{ signInBefore: string } | null> {
  const columns = Object.entries({ id, ...changes });
  // In one transaction, so that of two changes at once each names what it has put an end to.
  const [before, changed] = await db.batch<{ sign_in: string }>([
    db.prepare(`SELECT ${signInId("accounts")} AS sign_in FROM accounts WHERE id = ?`).bind(id),
    db
      .prepare(
        `UPDATE OR IGNORE accounts SET ${columns.map(([column]) => `${column} = ?`).join(", ")} WHERE id = ? RETURNING id`,
      )
      .bind(...columns.map(([, value]) => value), id),
  ]);
  const signInBefore = before?.results[0]?.sign_in;
  return changed?.results.length === 1 && signInBefore !== undefined ? { signInBefore } : null;
}

/** What a partition has to know of an account. */
export function factsOf({ id, pool, limits, store_prefix, storage }: AccountDetails): AccountFacts {
  return { id, pool, limits, store_prefix, storage };
}
