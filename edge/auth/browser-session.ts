/**
 * The session behind the cookie `auth` (library API 1.2): a random id with our signature; what it opens stands in D1. All
 * browsers that one credential signs in on one day share a session: it has nothing of its own but its end, and a session a
 * browser would be a row a request for clients that keep no cookie (decision 135).
 */
import { DAY_MS, openSession } from "../db/browser-sessions.ts";
import { sessionCaller } from "../db/callers.ts";
import type { Env } from "../env.ts";
import { type Caller, rememberedUntil } from "./authenticate.ts";
import { COOKIE_SECONDS } from "./library-credentials.ts";
import { Remembered } from "./remembered.ts";
import { signerOf, toBase64Url } from "./signing.ts";

const ID_BYTES = 24;

const callers = new Remembered<Caller>();
/** Values of cookies, by credential. */
const opened = new Remembered<string>();

/** The cookie's value for a caller who has just signed in. */
export async function openBrowserSession(env: Env, caller: Caller, now: number): Promise<string> {
  const day = Math.floor(now / DAY_MS);
  const endOfDay = (day + 1) * DAY_MS;
  const known = opened.get(caller.keyId, now);
  if (known !== null) return known;
  const fresh = toBase64Url(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
  // Every cookie of the day may live as long as it says.
  const id = await openSession(env.DB, caller, { id: fresh, day, expiresAt: endOfDay + COOKIE_SECONDS * 1000 });
  const value = `${id}.${await signerOf(env).sign("browser-session", id)}`;
  opened.set(caller.keyId, value, endOfDay);
  return value;
}

/** Null: not our signature, or a session that is over, by itself or with its credential. */
export async function callerOfCookie(env: Env, value: string, now: number): Promise<Caller | null> {
  const [id, signature, ...rest] = value.split(".");
  if (id === undefined || signature === undefined || rest.length > 0) return null;
  if (!(await signerOf(env).verify("browser-session", id, signature))) return null;
  return callers.of(
    id,
    now,
    () => sessionCaller(env.DB, id, now),
    (caller) => rememberedUntil(now, caller),
  );
}
