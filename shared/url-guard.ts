/**
 * What can be said about a URL before any name is resolved (jobs API 1.5): scheme, length, address literals, reserved
 * names. Where a name leads is checked at every connection, by the node's egress guard.
 */
import { countCodePoints } from "./code-points.ts";
import { isForbiddenAddress } from "./ip.ts";
import { parseAddress } from "./ip-parse.ts";
import { MAX_URL_LENGTH } from "./limits.ts";

export interface UrlPolicy {
  /** For tests and home networks (`TRAWL_ALLOW_PRIVATE=1`); metadata and link-local addresses stay refused. */
  allowPrivate: boolean;
  /** Hosts that the operator vouches for: a name, `host:port`, or an address as it stands in a URL. */
  allowHosts: readonly string[];
}

export type UrlVerdict = { ok: true; url: URL } | { ok: false; reason: "invalid" | "private" };

/** Names that never mean a public host: RFC 6761, 6762, 8375, ICANN's `.internal`, and what routers make up. */
const RESERVED_SUFFIXES = [
  "localhost",
  "localdomain",
  "local",
  "internal",
  "intranet",
  "private",
  "corp",
  "home",
  "lan",
  "home.arpa",
  "ip6-localhost",
  "ip6-loopback",
];
/** Metadata services by name. They resolve to refused addresses; a cloud's own resolver is not asked first. */
const METADATA_NAMES = [
  "metadata",
  "metadata.google.internal",
  "metadata.goog",
  "instance-data",
  "instance-data.ec2.internal",
];

/**
 * @example checkUrl("http://0x7f.1/", { allowPrivate: false, allowHosts: [] }) // { ok: false, reason: "private" }
 */
export function checkUrl(text: string, policy: UrlPolicy): UrlVerdict {
  if (countCodePoints(text) > MAX_URL_LENGTH || !URL.canParse(text)) return { ok: false, reason: "invalid" };
  const url = new URL(text);
  if (url.protocol !== "http:" && url.protocol !== "https:") return { ok: false, reason: "invalid" };
  const host = bareHost(url.hostname);
  if (host === "") return { ok: false, reason: "invalid" };
  return isPrivateHost(url, host, policy) ? { ok: false, reason: "private" } : { ok: true, url };
}

/** Whether the operator vouches for this host; what it resolves to is then not looked at, metadata apart. */
export function isAllowedHost(hostname: string, port: string, allowHosts: readonly string[]): boolean {
  const host = bareHost(hostname);
  return allowHosts.some((allowed) => {
    const wanted = allowed.toLowerCase();
    return wanted === host || wanted === `${host}:${port}` || wanted === `[${host}]` || wanted === `[${host}]:${port}`;
  });
}

/** A host name as it is compared: lower case, no brackets, no root dot. */
function bareHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}

function isPrivateHost(url: URL, host: string, policy: UrlPolicy): boolean {
  const port = url.port || (url.protocol === "https:" ? "443" : "80");
  const allowed = policy.allowPrivate || isAllowedHost(host, port, policy.allowHosts);
  const address = parseAddress(host);
  if (address !== null) return isForbiddenAddress(address, { allowPrivate: allowed });
  if (METADATA_NAMES.includes(host)) return true;
  if (allowed) return false;
  // A name without a dot is completed by the resolver's search list: it means something in our network or nothing.
  return !host.includes(".") || RESERVED_SUFFIXES.some((suffix) => host === suffix || host.endsWith(`.${suffix}`));
}
