/**
 * Texts for users (jobs API 1.5): tool names, paths of the node, its addresses and credentials are taken out.
 * Both sides use it: a node cleans what it reports, the edge cleans again, because a node is a stranger.
 */
import { MAX_ERROR_LENGTH } from "./limits.ts";

/** Control and format characters, those that turn the direction of text included. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;
/** A terminal colour: ESC is a control character, and nothing else of that kind is followed by a bracket. */
const ANSI = /\p{Cc}\[[0-9;]*[A-Za-z]/gu;
/** `https://user:password@host` → `https://host`; a proxy's password too. */
const USER_INFO = /\b([a-z][a-z0-9+.-]*:\/\/)[^\s/?#"']{0,500}@/gi;
/** Values of query parameters that are credentials by their name. */
const SECRET_QUERY =
  /([?&;](?:api_?key|key|token|access_token|auth|sig|signature|password|passwd|secret|x-amz-[a-z-]+|x-goog-[a-z-]+|se|sp|sv|sr|expires|policy|key-pair-id)=)[^\s&#"';)]+/gi;
/** Our own key formats, wherever they stand. */
const OWN_SECRETS = /\b(?:sk|whsec)_[A-Za-z0-9_+/=-]{6,}/g;
/** Absolute local paths: two segments or more, or a root that systems have. The path of a URL follows no space or quote. */
const LOCAL_PATH =
  /(^|[\s"'`(=:,[])(?:file:(?:\/\/)?)?(?:(?:\/[^\s"'`:;,()[\]/]+){2,}\/?|\/(?:home|root|tmp|var|usr|opt|etc|srv|mnt|media|run|proc|dev|data|app)\b\/?|~\/[^\s"'`:;,)\]]+|[A-Za-z]:\\[^\s"'`;,)\]]+)/g;
const IPV4 = /(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?(?!\.?\w)/g;
/** All eight groups, or the short form with `::`: a time such as 00:01:30 is neither. */
const IPV6 =
  /(?<![\w:.])\[?(?:(?:[0-9a-f]{1,4}:){7}[0-9a-f]{1,4}|(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?(?::?(?:\d{1,3}\.){3}\d{1,3})?)\]?(?::\d{1,5}(?=\W|$))?(?![\w:]|\.\d)/gi;
const URL_WHOLE = /\bhttps?:\/\/[^\s"'<>]+/gi;

export interface CleanOptions {
  /** Longest answer, Unicode code points. Defaults to `MAX_ERROR_LENGTH`. */
  max?: number;
  /** The library API is about yt-dlp, and says its name. */
  keepToolName?: boolean;
}

/**
 * Makes a tool's or a site's text fit for a user: `yt-dlp` in any case becomes `downloader`; local paths, IP addresses,
 * credentials in URLs and control characters go; at most 500 code points. Idempotent.
 *
 * @example cleanText("ERROR: yt-dlp: /tmp/a/x.mp4: No space left") // "ERROR: downloader: No space left"
 */
export function cleanText(text: string, options: CleanOptions = {}): string {
  const max = options.max ?? MAX_ERROR_LENGTH;
  // Cut first, generously, so that the expressions below never see megabytes; cut for good at the end.
  const cleaned = text
    .slice(0, max * 8)
    .replace(ANSI, "")
    .replace(CONTROL, " ")
    .replace(USER_INFO, "$1")
    .replace(SECRET_QUERY, "$1…")
    .replace(OWN_SECRETS, "…")
    .replace(LOCAL_PATH, "$1");
  const named = options.keepToolName === true ? cleaned : cleaned.replace(/yt[-_ ]?dlp(?:\.exe|\.py)?/gi, "downloader");
  return cut(tidy(withoutAddresses(named)), max);
}

/** IP addresses go, except as the host of a URL: that is the user's own text back, not a node's address. */
function withoutAddresses(text: string): string {
  let out = "";
  let from = 0;
  for (const match of text.matchAll(URL_WHOLE)) {
    out += text.slice(from, match.index).replace(IPV6, "").replace(IPV4, "") + match[0];
    from = match.index + match[0].length;
  }
  return out + text.slice(from).replace(IPV6, "").replace(IPV4, "");
}

/** What taking words out leaves behind: empty brackets and quotes, doubled separators, spaces before them. */
function tidy(text: string): string {
  return text
    .replace(/\(\s*\)|\[\s*\]|''|""|``/g, "")
    .replace(/\s+/g, " ")
    .replace(/ ([:;,.])(?=\s|$)/g, "$1")
    .replace(/([:;,])(?:\s+[:;,])+/g, "$1")
    .replace(/^[\s:;,]+|[\s:;,]+$/g, "");
}

function cut(text: string, max: number): string {
  const points = Array.from(text);
  return points.length <= max
    ? text
    : `${points
        .slice(0, max - 1)
        .join("")
        .trimEnd()}…`;
}
