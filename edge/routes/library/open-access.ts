/** `TRAWL_OPEN` (library API 1.2): a request without any credential acts as the first account. */
import { DEFAULT_SCOPES, type Scope } from "../../auth/api-keys.ts";
import { type Caller, rememberedUntil } from "../../auth/authenticate.ts";
import { isLoopbackName } from "../../auth/loopback.ts";
import { Remembered } from "../../auth/remembered.ts";
import { firstAccount } from "../../db/callers.ts";
import type { AppContext } from "../http.ts";
import { requestOrigin } from "../origin.ts";

const remembered = new Remembered<Caller>();

/** Null: credentials are wanted, or there is no account. */
export async function openCaller(context: AppContext, now: number): Promise<Caller | null> {
  const scopes = openScopes(context);
  if (scopes === null) return null;
  return remembered.of(
    scopes.join(" "),
    now,
    () => firstAccount(context.env.DB, scopes),
    (caller) => rememberedUntil(now, caller),
  );
}

function openScopes({ env, req }: AppContext): Scope[] | null {
  if (env.TRAWL_OPEN === "public") return [...DEFAULT_SCOPES];
  if (env.TRAWL_OPEN !== "1") return null;
  // Bound to this machine, and called by one of its names: a name of anybody's may lead here too (DNS rebinding).
  const names = [env.TRAWL_HOST ?? "", new URL(req.url).hostname, new URL(requestOrigin(req.raw, env)).hostname];
  return names.every(isLoopbackName) ? [...DEFAULT_SCOPES, "admin"] : null;
}
