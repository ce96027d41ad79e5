import { parseTreePath } from "../../../library/tree/tree-path.ts";
import type { AppContext } from "../../http.ts";

export interface AskedPath {
  /** As it was asked for, without the slashes around it: what a refusal names. */
  text: string;
  /** Null: one that is never known. */
  path: string | null;
}

/**
 * The file path behind a route (library API 1.1): percent-decoded, `%2F` is a separator. The router has undone what of the
 * encoding is plain, and no `%25`, so this is no second time.
 *
 * @param route with its final slash: `/api/file/browser/`
 */
export function askedPath(context: AppContext, route: string): AskedPath {
  const { path: asked } = context.req;
  const raw = asked.startsWith(route) ? asked.slice(route.length) : "";
  let text: string;
  try {
    text = decodeURIComponent(raw);
  } catch {
    return { text: raw, path: null };
  }
  return { text: text.replace(/^\/+|\/+$/g, ""), path: parseTreePath(text) };
}

/** What stands before a route in the address that was asked: the base path, without its final slash. */
export function baseOf(context: AppContext, route: string): string {
  const { pathname } = new URL(context.req.url);
  return pathname.slice(0, Math.max(0, pathname.indexOf(route.slice(0, -1))));
}
