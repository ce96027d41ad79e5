/** Who stands behind a credential: one read of D1 each. */
import type { Limits } from "../../shared/contract/admin.ts";
import { DEFAULT_SCOPES, type Scope } from "../auth/api-keys.ts";
import type { Caller } from "../auth/authenticate.ts";
import { ACCOUNT_STORAGE } from "./account-storage.ts";
import { signInId } from "./accounts.ts";

interface AccountPart {
  account_id: string;
  account_name: string;
  partition: string;
  pool: string;
  limits: string;
  store_prefix: string;
  storage: string | null;
}

interface KeyPart {
  key_id: string;
  scopes: string;
  key_limits: string;
  expires_at: number | null;
}

/** Of the account's own name and password. */
interface SignInPart {
  sign_in_id: string;
  console: number;
}

const OF_ACCOUNT = `a.id AS account_id, a.name AS account_name, a.partition, a.pool, a.limits, a.store_prefix,
  ${ACCOUNT_STORAGE} AS storage`;
const OF_KEY = "k.id AS key_id, k.scopes, k.limits AS key_limits, k.expires_at";
const SIGN_IN_ID = signInId("a");
const OF_SIGN_IN = `${SIGN_IN_ID} AS sign_in_id, a.console`;
const GOOD_KEY = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?2)";

// Uses the unique index on api_keys(hash); one row read of each table, two more for an account with storage of its own.
export async function keyCaller(db: D1Database, hash: string, now: number): Promise<Caller | null> {
  const row = await db
    .prepare(
      `SELECT ${OF_KEY}, ${OF_ACCOUNT} FROM api_keys k JOIN accounts a ON a.id = k.account_id
       WHERE k.hash = ?1 AND ${GOOD_KEY} AND a.state = 'active'`,
    )
    .bind(hash, now)
    .first<KeyPart & AccountPart>();
  return row === null ? null : byKey(row);
}

/** The account of a user name, and what its password is held against. */
export interface User {
  caller: Caller;
  passwordHash: string;
}

// Uses the unique index on accounts(username).
export async function findUser(db: D1Database, username: string): Promise<User | null> {
  const row = await db
    .prepare(
      `SELECT ${OF_SIGN_IN}, a.password_hash, ${OF_ACCOUNT} FROM accounts a
       WHERE a.username = ?1 AND a.password_hash IS NOT NULL AND a.state = 'active'`,
    )
    .bind(username)
    .first<SignInPart & AccountPart & { password_hash: string }>();
  return row === null ? null : { caller: byPassword(row), passwordHash: row.password_hash };
}

/** Whose browser this is, as long as the key or the password that signed it in is good. By primary keys. */
export async function sessionCaller(db: D1Database, session: string, now: number): Promise<Caller | null> {
  const row = await db
    .prepare(
      `SELECT s.expires_at AS session_until, ${OF_KEY}, ${OF_SIGN_IN}, ${OF_ACCOUNT} FROM browser_sessions s
       JOIN accounts a ON a.id = s.account_id LEFT JOIN api_keys k ON k.id = s.credential
       WHERE s.id = ?1 AND s.expires_at > ?2 AND a.state = 'active' AND CASE WHEN k.id IS NOT NULL THEN ${GOOD_KEY}
         ELSE s.credential = ${SIGN_IN_ID} AND a.username IS NOT NULL AND a.password_hash IS NOT NULL END`,
    )
    .bind(session, now)
    .first<{ session_until: number; key_id: string | null } & Omit<KeyPart, "key_id"> & SignInPart & AccountPart>();
  if (row === null) return null;
  const { key_id } = row;
  const caller = key_id === null ? byPassword(row) : byKey({ ...row, key_id });
  return { ...caller, expiresAt: Math.min(row.session_until, caller.expiresAt ?? Number.POSITIVE_INFINITY) };
}

/** The account that was made first. Accounts are few, and Workers remember this for a while. */
export async function firstAccount(db: D1Database, scopes: readonly Scope[]): Promise<Caller | null> {
  const row = await db
    .prepare(`SELECT ${OF_ACCOUNT} FROM accounts a WHERE a.state = 'active' ORDER BY a.created_at, a.id LIMIT 1`)
    .first<AccountPart>();
  return row === null ? null : withoutKey("open", scopes, row);
}

function byKey(row: KeyPart & AccountPart): Caller {
  const keyLimits = JSON.parse(row.key_limits) as Limits;
  return {
    keyId: row.key_id,
    scopes: JSON.parse(row.scopes) as Scope[],
    expiresAt: row.expires_at,
    limits: { ...(JSON.parse(row.limits) as Limits), ...keyLimits },
    keyLimits,
    ...accountOf(row),
  };
}

function byPassword(row: SignInPart & AccountPart): Caller {
  return withoutKey(row.sign_in_id, row.console === 1 ? [...DEFAULT_SCOPES, "admin"] : DEFAULT_SCOPES, row);
}

function withoutKey(keyId: string, scopes: readonly Scope[], row: AccountPart): Caller {
  return {
    keyId,
    scopes: [...scopes],
    expiresAt: null,
    limits: JSON.parse(row.limits) as Limits,
    keyLimits: {},
    ...accountOf(row),
  };
}

function accountOf(row: AccountPart): Pick<Caller, "partition" | "account"> {
  return {
    partition: row.partition,
    account: {
      id: row.account_id,
      name: row.account_name,
      pool: row.pool,
      limits: row.limits,
      store_prefix: row.store_prefix,
      storage: row.storage,
    },
  };
}
