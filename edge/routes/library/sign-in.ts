import { AppError } from "../../app-error.ts";
import { type Caller, callerOfKey } from "../../auth/authenticate.ts";
import { callerOfCookie, openBrowserSession } from "../../auth/browser-session.ts";
import { mayUseBasic, mayUseCookie, mayUseNone } from "../../auth/foreign-page.ts";
import {
  looksLikeKey,
  type Presented,
  presentedCredential,
  setCookie,
  type UserAndPassword,
} from "../../auth/library-credentials.ts";
import type { AppContext } from "../http.ts";
import { publicOrigin, requestOrigin } from "../origin.ts";
import { CHALLENGE, invalidCredentials } from "./library-error.ts";
import { openCaller } from "./open-access.ts";
import { callerOfPassword } from "./user-password.ts";

/** The one route that pages of other origins may call where no credential is asked for. */
const OPEN_TO_PAGES = "/api/history/add";

/**
 * Who asks, on this surface (library API 1.2). The first credential that is there decides.
 *
 * @throws AppError 401, 403, 429
 */
export async function signInLibrary(context: AppContext): Promise<Caller> {
  const presented = presentedCredential(context.req.raw);
  const now = Date.now();
  const caller = await callerOf(context, presented, now);
  if (caller !== null) {
    refuseForeignPage(context, presented);
    if (isSignIn(presented)) context.set("signedIn", caller);
    return caller;
  }
  const open = isNone(presented) ? await openCaller(context, now) : null;
  if (open === null) throw presented.kind === "none" ? missingCredentials() : invalidCredentials();
  const add = context.req.method === "GET" && context.req.path === OPEN_TO_PAGES;
  if (!add && !mayUseNone(context.req.raw, ownOrigins(context))) throw foreignPage();
  return open;
}

async function callerOf({ env }: AppContext, presented: Presented, now: number): Promise<Caller | null> {
  switch (presented.kind) {
    case "key":
      return callerOfKey(env.DB, presented.key, now);
    case "basic":
      return callerOfPair(env, presented, now);
    case "query": {
      const { value, asBasic } = presented;
      // A key may happen to be base64 of something with a colon.
      const byKey = asBasic === null || looksLikeKey(value) ? await callerOfKey(env.DB, value, now) : null;
      return byKey ?? (asBasic === null ? null : callerOfPair(env, asBasic, now));
    }
    case "cookie":
      return callerOfCookie(env, presented.value, now);
    case "unsupported": {
      const body = { method: presented.method };
      throw new AppError("unauthenticated", "Unsupported authentication method.", { headers: CHALLENGE, body });
    }
    default:
      return null;
  }
}

/** The password is an API key, whatever the user name; or both are an account's own. */
async function callerOfPair(env: AppContext["env"], pair: UserAndPassword, now: number): Promise<Caller | null> {
  const byKey = looksLikeKey(pair.password) ? await callerOfKey(env.DB, pair.password, now) : null;
  return byKey ?? callerOfPassword(env, pair, now);
}

/** Where credentials are optional, these are none either. */
function isNone(presented: Presented): boolean {
  const pair = presented.kind === "query" ? presented.asBasic : presented.kind === "basic" ? presented : null;
  if (pair !== null) return pair.user === "" && pair.password === "";
  return presented.kind === "none" || presented.kind === "cookie";
}

function refuseForeignPage(context: AppContext, { kind }: Presented): void {
  const { raw } = context.req;
  const own = ownOrigins(context);
  if (kind === "cookie" && !mayUseCookie(raw, own)) throw foreignPage();
  if (kind === "basic" && !mayUseBasic(raw, own)) throw foreignPage();
}

function ownOrigins({ req, env }: AppContext): string[] {
  const requested = requestOrigin(req.raw, env);
  return [requested, new URL(publicOrigin(env, requested)).origin];
}

function foreignPage(): AppError {
  return new AppError("forbidden", "Pages of another origin need a credential of their own.");
}

function missingCredentials(): AppError {
  return new AppError("unauthenticated", "Authorization Required.", { headers: CHALLENGE });
}

/** By `Authorization` or in the query: a browser is given a session. */
function isSignIn(presented: Presented): boolean {
  if (presented.kind === "key") return presented.place === "authorization";
  return presented.kind === "basic" || presented.kind === "query";
}

/**
 * Gives the browser of a caller who has just signed in a session, by the answer's cookie.
 *
 * @param setHeader on the answer.
 */
export async function rememberBrowser(
  context: AppContext,
  setHeader: (name: string, value: string) => void,
): Promise<void> {
  const caller = context.var.signedIn;
  if (caller === undefined) return;
  const value = await openBrowserSession(context.env, caller, Date.now());
  setHeader("Set-Cookie", setCookie(value, isOverHttps(context)));
}

/** A proxy that ends TLS may not say so; the operator's own address of us does. */
function isOverHttps({ req, env }: AppContext): boolean {
  const requested = new URL(requestOrigin(req.raw, env));
  const told = new URL(publicOrigin(env, requested.origin));
  return requested.protocol === "https:" || (told.protocol === "https:" && told.host === requested.host);
}
