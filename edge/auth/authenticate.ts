/** Who is asking: an API key becomes its account (jobs API 1.1, 1.2). */
import type { Limits } from "../../shared/contract/admin.ts";
import { AppError } from "../app-error.ts";
import { ACCOUNT_STORAGE } from "../db/account-storage.ts";
import type { AccountFacts } from "../partition/create.ts";
import { MAX_KEY_LENGTH, type Scope, sha256Hex } from "./api-keys.ts";

/** A key with the account that it opens, as one D1 read gives them. */
export interface Caller {
  keyId: string;
  scopes: Scope[];
  /** When the key stops working; null: never by itself. */
  expiresAt: number | null;
  /** The key's limits before its account's. */
  limits: Limits;
  /** The key's own. */
  keyLimits: Limits;
  partition: string;
  account: AccountFacts & { name: string };
}

/** A revoked key is refused everywhere within this time. */
const CALLER_CACHE_MS = 5_000;
const CALLER_CACHE_SIZE = 10_000;

/** By the key itself, in memory alone: a hash of it would be counted with each request. */
const cache = new Map<string, { caller: Caller; until: number }>();

/** The credential of `Authorization: Bearer`; null for none, or another scheme. */
export function bearerToken(headers: Headers): string | null {
  return /^Bearer +(\S+) *$/i.exec(headers.get("authorization") ?? "")?.[1] ?? null;
}

/** `x-api-key` counts; `Authorization: Bearer` is taken in its place. */
export function presentedKey(headers: Headers): string | null {
  const own = headers.get("x-api-key");
  if (own !== null && own !== "") return own;
  return bearerToken(headers);
}

/** Throws 401 without a good key, 403 without the scope. */
export async function authenticate(db: D1Database, headers: Headers, scope: Scope, now: number): Promise<Caller> {
  return authenticateKey(db, presentedKey(headers), scope, now);
}

/** As {@link authenticate}, for a key from wherever a surface takes it. */
export async function authenticateKey(db: D1Database, key: string | null, scope: Scope, now: number): Promise<Caller> {
  if (key === null) throw new AppError("unauthenticated", "Missing x-api-key header");
  const caller = key.length > MAX_KEY_LENGTH ? null : await findCaller(db, key, now);
  if (caller === null) throw invalidKey();
  if (!caller.scopes.includes(scope)) throw new AppError("forbidden", `This key lacks the scope '${scope}'`);
  return caller;
}

export function invalidKey(): AppError {
  return new AppError("unauthenticated", "Invalid API Key");
}

async function findCaller(db: D1Database, key: string, now: number): Promise<Caller | null> {
  const known = cache.get(key);
  if (known !== undefined && known.until > now) return known.caller;
  const caller = await readCaller(db, await sha256Hex(key), now);
  if (cache.size >= CALLER_CACHE_SIZE) cache.clear();
  // Only good keys are remembered: a new key works at once, and guesses fill no memory.
  if (caller === null) {
    cache.delete(key);
    return null;
  }
  cache.set(key, { caller, until: Math.min(now + CALLER_CACHE_MS, caller.expiresAt ?? Number.POSITIVE_INFINITY) });
  return caller;
}

interface CallerRow {
  key_id: string;
  scopes: string;
  key_limits: string;
  expires_at: number | null;
  account_id: string;
  account_name: string;
  partition: string;
  pool: string;
  limits: string;
  store_prefix: string;
  storage: string | null;
}

// Uses the unique index on api_keys(hash); one row read of each table, two more for an account with storage of its own.
async function readCaller(db: D1Database, hash: string, now: number): Promise<Caller | null> {
  const row = await db
    .prepare(
      `SELECT k.id AS key_id, k.scopes, k.limits AS key_limits, k.expires_at, a.id AS account_id, a.name AS account_name,
         a.partition, a.pool, a.limits, a.store_prefix, ${ACCOUNT_STORAGE} AS storage
       FROM api_keys k JOIN accounts a ON a.id = k.account_id
       WHERE k.hash = ?1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > ?2) AND a.state = 'active'`,
    )
    .bind(hash, now)
    .first<CallerRow>();
  if (row === null) return null;
  const keyLimits = JSON.parse(row.key_limits) as Limits;
  return {
    keyId: row.key_id,
    scopes: JSON.parse(row.scopes) as Scope[],
    expiresAt: row.expires_at,
    limits: { ...(JSON.parse(row.limits) as Limits), ...keyLimits },
    keyLimits,
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
