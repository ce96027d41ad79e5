/** Where the library API looks for a credential, and how it reads one (section 1.2 there). */
import { KEY_PREFIX } from "./api-keys.ts";
import { fromBase64Url } from "./signing.ts";

/** `user:password`, split at the first colon. */
export interface UserAndPassword {
  user: string;
  password: string;
}

/** The first credential that a request has. `automatic`: a browser sends it by itself, from whatever page the request comes. */
export type Presented =
  | { kind: "none" }
  | { kind: "key"; key: string; place: "x-api-key" | "authorization" }
  | ({ kind: "basic" } & UserAndPassword)
  | { kind: "query"; value: string; asBasic: UserAndPassword | null }
  | { kind: "cookie"; value: string }
  | { kind: "undecodable" }
  | { kind: "unsupported"; method: string };

const COOKIE = "auth";

export function presentedCredential(request: Request): Presented {
  const { headers } = request;
  const own = headers.get("x-api-key") ?? "";
  if (own !== "") return { kind: "key", key: own, place: "x-api-key" };
  const authorization = (headers.get("authorization") ?? "").trim();
  if (authorization !== "") return ofAuthorization(authorization);
  // A plus sign in a query is a space to whoever decodes it.
  const query = (new URL(request.url).searchParams.get("apikey") ?? "").replaceAll(" ", "+");
  if (query !== "") return { kind: "query", value: query, asBasic: decodeBasic(query) };
  const cookie = cookieOf(headers);
  return cookie === null ? { kind: "none" } : { kind: "cookie", value: cookie };
}

function ofAuthorization(authorization: string): Presented {
  const [method = "", value = ""] = authorization.split(/ +/, 2);
  switch (method.toLowerCase()) {
    case "bearer":
      return value === "" ? { kind: "undecodable" } : { kind: "key", key: value, place: "authorization" };
    case "basic": {
      const pair = decodeBasic(value);
      return pair === null ? { kind: "undecodable" } : { kind: "basic", ...pair };
    }
    default:
      return { kind: "unsupported", method };
  }
}

/** Standard or url-safe alphabet, padded or not (RFC 7617); null for what is no base64, no UTF-8, or has no colon. */
function decodeBasic(encoded: string): UserAndPassword | null {
  const bytes = fromBase64Url(encoded);
  if (bytes === null) return null;
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const colon = text.indexOf(":");
    return colon === -1 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
  } catch {
    return null;
  }
}

function cookieOf(headers: Headers): string | null {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const [name, ...value] = pair.trim().split("=");
    if (name === COOKIE && value.join("=") !== "") return value.join("=");
  }
  return null;
}

/** Seven days, as the cookie says. */
export const COOKIE_SECONDS = 604_800;

export function setCookie(value: string, secure: boolean): string {
  const attributes = `HttpOnly; Max-Age=${COOKIE_SECONDS}; Path=/; SameSite=Strict`;
  return `${COOKIE}=${value}; ${attributes}${secure ? "; Secure" : ""}`;
}

/** Whether it may be a key at all: no look-up for what cannot be one. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(KEY_PREFIX);
}
