/** `fetch` through the guard, for what we ourselves get from a user's URL. */
import { type Dispatcher, fetch, type RequestInit, type Response } from "undici";
import { checkUrl } from "../../shared/url-guard.ts";
import { guardedDispatcher } from "./dispatcher.ts";
import { MAX_REDIRECTS } from "./limits.ts";
import { EgressError, type EgressOptions, resolveEgress, toEgressError } from "./policy.ts";

export interface GuardedFetchInit extends Omit<RequestInit, "redirect" | "dispatcher"> {
  /** Redirects to follow, each checked like the first URL; 0 hands the redirect itself out. Defaults to 5. */
  maxRedirects?: number;
}

export interface GuardedFetch {
  /** @throws EgressError when refused, unreachable, or redirected too often */
  fetch(url: string, init?: GuardedFetchInit): Promise<Response>;
  close(): Promise<void>;
}

/** Headers that must not follow a redirect to another origin. */
const CREDENTIAL_HEADERS = ["authorization", "cookie", "proxy-authorization"];

/**
 * @example
 * const guarded = guardedFetch({ allowPrivate: false });
 * const response = await guarded.fetch("https://example.com/feed.xml");
 */
export function guardedFetch(options: EgressOptions = {}): GuardedFetch {
  const policy = resolveEgress(options);
  const dispatcher: Dispatcher = guardedDispatcher(policy);

  /** One hop. */
  async function send(text: string, init: RequestInit): Promise<{ response: Response; url: URL }> {
    const verdict = checkUrl(text, policy);
    if (!verdict.ok) throw new EgressError(verdict.reason, hostOf(text));
    const { url } = verdict;
    try {
      return { response: await fetch(url, { ...init, dispatcher, redirect: "manual" }), url };
    } catch (error) {
      throw init.signal?.aborted ? error : toEgressError(error, url.hostname);
    }
  }

  return {
    async fetch(start, { maxRedirects = MAX_REDIRECTS, ...firstInit } = {}) {
      let at = start;
      let init: RequestInit = firstInit;
      for (let left = maxRedirects; ; left--) {
        const { response, url } = await send(at, init);
        const next = redirectOf(response, url);
        if (next === null || maxRedirects === 0) return response;
        await response.body?.cancel();
        if (left === 0) throw new EgressError("limit", url.hostname);
        init = initAfter(init, response.status, url, next);
        at = next;
      }
    },
    close: () => dispatcher.destroy(),
  };
}

function redirectOf(response: Response, base: URL): string | null {
  const location = response.headers.get("location");
  if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return null;
  return URL.canParse(location, base.href) ? new URL(location, base.href).href : null;
}

/** The fetch standard's rules: 303, and 301 or 302 after POST, become GET without a body; secrets stay with their origin. */
function initAfter(init: RequestInit, status: number, from: URL, to: string): RequestInit {
  const method = (init.method ?? "GET").toUpperCase();
  const toGet = status === 303 ? method !== "HEAD" : (status === 301 || status === 302) && method === "POST";
  const { body, ...rest } = init;
  const next: RequestInit = toGet ? { ...rest, method: "GET" } : init;
  if (new URL(to).origin === from.origin) return next;
  const headers = new Headers(next.headers as ConstructorParameters<typeof Headers>[0]);
  for (const name of CREDENTIAL_HEADERS) headers.delete(name);
  return { ...next, headers: [...headers] };
}

function hostOf(text: string): string {
  return URL.canParse(text) ? new URL(text).hostname : "";
}
