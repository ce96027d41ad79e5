/** Takes what works as a credential out of texts that an operator reads (DESIGN section 6). */

const SECRET_NAME = /key|token|secret|signature|^sig$|passw|auth|credential|policy/i;
const HIDDEN = "***";

/** A URL without user info, and with the values of telling query parameters hidden. */
export function redactUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) return redactText(text);
  url.username = "";
  url.password = "";
  for (const name of new Set(url.searchParams.keys())) {
    if (SECRET_NAME.test(name)) url.searchParams.set(name, HIDDEN);
  }
  return redactText(url.href);
}

/** A receiver's address without its query, which is often a credential. */
export function withoutQuery(text: string): string {
  const url = URL.parse(text);
  return url === null ? "" : url.origin + url.pathname;
}

/** Our own keys, webhook secrets, and `name=value` of telling names, anywhere in a text. */
export function redactText(text: string): string {
  return text
    .replace(/\b(sk_|whsec_|enrol_|adm_)[A-Za-z0-9+/=_-]{6,}/g, `$1${HIDDEN}`)
    .replace(/([?&;](?:[\w-]*(?:key|token|secret|signature|credential)|sig)=)[^&\s"']+/gi, `$1${HIDDEN}`)
    .replace(/(\bhttps?:\/\/)[^/\s@]+@/gi, "$1");
}
