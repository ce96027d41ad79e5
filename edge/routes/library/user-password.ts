/** Sign-in by an account's own user name and password (library API 1.2). */
import { AppError } from "../../app-error.ts";
import type { Caller } from "../../auth/authenticate.ts";
import type { UserAndPassword } from "../../auth/library-credentials.ts";
import { isPassword } from "../../auth/passwords.ts";
import { Remembered } from "../../auth/remembered.ts";
import { toBase64Url } from "../../auth/signing.ts";
import { findUser, type User } from "../../db/callers.ts";
import type { Env } from "../../env.ts";
import { callPartition } from "../jobs/job-access.ts";

/** How long a positive check counts: PBKDF2 with 100,000 rounds is 20 ms of the Worker's CPU and more. */
const CHECKED_MS = 60_000;
/** Longer ones are none that an account can have. */
const MAX_USER_LENGTH = 100;
const MAX_PASSWORD_LENGTH = 1_000;

/** By HMAC under a key of this isolate's own: neither a password nor anything that could be tried out stays in memory. */
const checked = new Remembered<true>();
let hmacKey: ReturnType<typeof makeHmacKey> | null = null;

/**
 * Null: no such user, or not their password.
 *
 * @throws AppError 429 after too many wrong ones.
 */
export async function callerOfPassword(env: Env, given: UserAndPassword, now: number): Promise<Caller | null> {
  const { user: name, password } = given;
  const isPossible = name !== "" && password !== "" && name.length <= MAX_USER_LENGTH;
  if (!isPossible || password.length > MAX_PASSWORD_LENGTH) return null;
  // Read each time: a password that was changed just now must be good at once, which a new key is anyway.
  const user = await findUser(env.DB, name);
  if (user === null) return null;
  const mark = await markOf(user, password);
  if (checked.get(mark, now) === null) {
    if (!(await tryPassword(env, user, password))) return null;
    checked.set(mark, true, now + CHECKED_MS);
  }
  return user.caller;
}

/** The partition counts it as a wrong one until it is known to be right. */
async function tryPassword(env: Env, { caller, passwordHash }: User, password: string): Promise<boolean> {
  const account = caller.account.id;
  const wait = await callPartition(env, caller.partition, async (stub) => stub.beginPasswordTry(account));
  if (wait > 0) throw new AppError("rate_limited", "Too many requests", { headers: { "Retry-After": String(wait) } });
  if (!(await isPassword(password, passwordHash))) return false;
  await callPartition(env, caller.partition, async (stub) => stub.takeBackPasswordTry(account));
  return true;
}

/** With the credential's id, which changes with it. */
async function markOf({ caller }: User, password: string): Promise<string> {
  hmacKey ??= makeHmacKey();
  const bytes = new TextEncoder().encode(JSON.stringify([caller.keyId, password]));
  return toBase64Url(new Uint8Array(await crypto.subtle.sign("HMAC", await hmacKey, bytes)));
}

function makeHmacKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}
