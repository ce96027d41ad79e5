/** Which requests are this surface's, and the path that its routes are written for (library API 1.1). */
import type { Env } from "../../env.ts";
import { isDownloadsPath } from "../downloads/downloads-error.ts";

type Place = Pick<Env, "TRAWL_PUBLIC_URL">;

/** The path of `TRAWL_PUBLIC_URL`, with a slash at both ends. */
export function basePath({ TRAWL_PUBLIC_URL: url }: Place): string {
  if (url === undefined || !URL.canParse(url)) return "/";
  return `${new URL(url).pathname.replace(/\/+$/, "")}/`;
}

/** Below these the rest of a path is a file's, of which a slash at the end is a part. */
const FILE_PATHS = /^\/api\/(?:download|file\/(?:ffprobe|info|browser)|player)\//;

/**
 * The path of a request to this surface as its routes know it: without the base path and a slash at the end, and with `%2F`
 * as the separator that it stands for. Null: the request is another surface's.
 */
export function libraryPath(request: Request, place: Place): string | null {
  const { pathname } = new URL(request.url);
  const base = basePath(place);
  const below = `${pathname}/` === base ? "/" : pathname.startsWith(base) ? `/${pathname.slice(base.length)}` : null;
  if (below === null) return null;
  const path = below.includes("%") ? separated(below) : below;
  const routed = path.endsWith("/") && path !== "/" && !FILE_PATHS.test(path) ? path.slice(0, -1) : path;
  // Under a path of its own there is nothing else; at the root the other surfaces are.
  if (base !== "/") return routed === "/" || isApiPath(routed) ? routed : null;
  return isApiPath(routed) && !isDownloadsPath(path) ? routed : null;
}

function isApiPath(path: string): boolean {
  return path === "/ws" || /^\/api(?:\/|$)/.test(path);
}

/** The router decodes each part once more, when it is asked for. */
function separated(path: string): string {
  return path.split("/").map(decoded).join("/").split("/").map(encodeURIComponent).join("/");
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
