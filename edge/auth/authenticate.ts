/** Who is asking: an API key becomes its account (jobs API 1.1, 1.2). */
import type { Limits } from "../../shared/contract/admin.ts";
import { AppError } from "../app-error.ts";
import { keyCaller } from "../db/callers.ts";
import type { AccountFacts } from "../partition/create.ts";
import { MAX_KEY_LENGTH, type Scope, sha256Hex } from "./api-keys.ts";
import { Remembered } from "./remembered.ts";

/** A credential with the account that it opens, as one D1 read gives them. */
export interface Caller {
  /**
   * The API key's id. The account's own name and password have one too, another with each change of either. Rate bucket,
   * idempotency keys, revocation and the streams that it ends all go by this.
   */
  keyId: string;
  scopes: Scope[];
  /** When the credential stops working; null: never by itself. */
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

/** By the key itself, in memory alone: a hash of it would be counted with each request. */
const keys = new Remembered<Caller>();

/** Until when a Worker may remember a caller that it has just read. */
export function rememberedUntil(now: number, { expiresAt }: Pick<Caller, "expiresAt">): number {
  return Math.min(now + CALLER_CACHE_MS, expiresAt ?? Number.POSITIVE_INFINITY);
}

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
  const caller = await callerOfKey(db, key, now);
  if (caller === null) throw invalidKey();
  if (!caller.scopes.includes(scope)) throw new AppError("forbidden", `This key lacks the scope '${scope}'`);
  return caller;
}

export function invalidKey(): AppError {
  return new AppError("unauthenticated", "Invalid API Key");
}

/** Null: no such key, or one that is revoked or has expired. */
export async function callerOfKey(db: D1Database, key: string, now: number): Promise<Caller | null> {
  if (key.length > MAX_KEY_LENGTH) return null;
  return keys.of(
    key,
    now,
    async () => keyCaller(db, await sha256Hex(key), now),
    (caller) => rememberedUntil(now, caller),
  );
}
