/** What is said of a URL that is none, or that may not be reached (library API 3.4, 5.4). */
import { checkUrl } from "../../shared/url-guard.ts";
import { type Env, urlPolicy } from "../env.ts";

const SCHEME = /^\s*([a-z][a-z0-9+.-]*):/i;

/** Null: it may be asked for. */
export function urlFault(text: string, env: Env): string | null {
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "http" && scheme !== "https") {
    return "Invalid scheme usage. Only HTTP or HTTPS allowed.";
  }
  const verdict = checkUrl(text, urlPolicy(env));
  if (verdict.ok) return null;
  return verdict.reason === "private"
    ? "Access to internal urls or private networks is not allowed."
    : "Invalid hostname.";
}
