/** Resolves a host and checks every address it has. Whoever dials uses these addresses and asks no resolver again. */
import { networkInterfaces } from "node:os";
import { isForbiddenAddress, isLoopbackAddress } from "../../shared/ip.ts";
import { type AddressBytes, formatAddress, parseAddress } from "../../shared/ip-parse.ts";
import { checkUrl, isAllowedHost } from "../../shared/url-guard.ts";
import { MAX_ADDRESSES, RESOLVE_TIMEOUT_MS } from "./limits.ts";
import { EgressError, type EgressPolicy, type ResolvedAddress } from "./policy.ts";

export interface Target {
  /** A name or an address in any spelling, IPv6 with or without brackets. */
  host: string;
  port: number;
}

/**
 * The addresses that may be dialled for a target.
 *
 * One bad address among good ones refuses them all: a name that is public to our check and private to someone else's
 * next look-up is how the guard would be walked around.
 *
 * @throws EgressError
 */
export async function resolveChecked(target: Target, policy: EgressPolicy): Promise<ResolvedAddress[]> {
  const { port } = target;
  const host = checkName(target, policy);
  const allowPrivate = policy.allowPrivate || isAllowedHost(host, String(port), policy.allowHosts);
  const literal = parseAddress(host);
  const found = literal === null ? await lookUp(host, policy) : [resolvedOf(literal)];
  for (const { address } of found) {
    if (isForbiddenAddress(address, { allowPrivate })) throw new EgressError("private", host);
    if (policy.isOwnPort(port) && isThisMachine(address)) throw new EgressError("own-port", host);
  }
  return found.slice(0, MAX_ADDRESSES);
}

/**
 * The host as a URL has it, without brackets.
 *
 * @throws EgressError when its name alone says that it is not to be reached.
 */
export function checkName(target: Target, policy: EgressPolicy): string {
  // By way of a URL, so that a name is normalised as the tools' URLs are: `0x7f.1`, full-width digits, upper case.
  const verdict = checkUrl(`http://${bracketed(target.host)}:${target.port}/`, policy);
  if (!verdict.ok) throw new EgressError(verdict.reason, target.host);
  return verdict.url.hostname.replace(/^\[(.*)\]$/, "$1");
}

async function lookUp(host: string, policy: EgressPolicy): Promise<ResolvedAddress[]> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new EgressError("timeout", host)), RESOLVE_TIMEOUT_MS);
  });
  try {
    const found = await Promise.race([policy.lookup(host), late]);
    if (found.length === 0) throw new EgressError("unresolvable", host);
    return found;
  } catch (error) {
    throw error instanceof EgressError ? error : new EgressError("unresolvable", host, error);
  } finally {
    clearTimeout(timer);
  }
}

/** Loopback, or an address of one of our interfaces: the public port may listen on all of them. */
function isThisMachine(address: string): boolean {
  if (isLoopbackAddress(address)) return true;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const wanted = plainOf(address);
  return own.some((mine) => plainOf(mine.address) === wanted);
}

/** One text per address, IPv4-mapped IPv6 as IPv4. */
function plainOf(address: string): string | null {
  const bytes = parseAddress(address);
  if (bytes === null) return null;
  const mapped = bytes.length === 16 && bytes.slice(0, 12).join() === "0,0,0,0,0,0,0,0,0,0,255,255";
  return (mapped ? bytes.slice(12) : bytes).join();
}

function resolvedOf(bytes: AddressBytes): ResolvedAddress {
  return { address: formatAddress(bytes), family: bytes.length === 4 ? 4 : 6 };
}

function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
