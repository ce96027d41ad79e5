/**
 * What an IP address is for, and which ones nobody's URL may reach (jobs API 1.5). Pure.
 *
 * Source: the IANA special-purpose registries for IPv4 and IPv6 (RFC 6890 and its updates), and the address of every
 * cloud's metadata service that we know of.
 */
import { type AddressBytes, parseAddress } from "./ip-parse.ts";

/** `metadata` and `link-local` stand apart: they stay refused when private addresses are allowed. */
export type AddressClass =
  | "public"
  | "unspecified"
  | "loopback"
  | "private"
  | "link-local"
  | "cgnat"
  | "multicast"
  | "documentation"
  | "reserved"
  | "metadata";

export interface AddressPolicy {
  /** For tests and home networks (`TRAWL_ALLOW_PRIVATE=1`). Defaults to false. */
  allowPrivate?: boolean;
}

interface Range {
  bytes: AddressBytes;
  bits: number;
  class: AddressClass;
}

/** First match wins: exceptions stand above the ranges that hold them. */
const IPV4_RANGES: readonly Range[] = [
  // Metadata services outside 169.254/16: Alibaba, Oracle, Azure (a public number, reachable from its machines alone).
  range("100.100.100.200/32", "metadata"),
  range("192.0.0.192/32", "metadata"),
  range("168.63.129.16/32", "metadata"),
  range("169.254.169.254/32", "metadata"),
  // Amazon's for containers.
  range("169.254.170.0/24", "metadata"),
  range("169.254.0.0/16", "link-local"),
  range("0.0.0.0/32", "unspecified"),
  range("0.0.0.0/8", "reserved"),
  range("10.0.0.0/8", "private"),
  range("100.64.0.0/10", "cgnat"),
  range("127.0.0.0/8", "loopback"),
  range("172.16.0.0/12", "private"),
  range("192.0.0.0/24", "reserved"),
  range("192.0.2.0/24", "documentation"),
  range("192.31.196.0/24", "reserved"),
  range("192.52.193.0/24", "reserved"),
  range("192.88.99.0/24", "reserved"),
  range("192.168.0.0/16", "private"),
  range("192.175.48.0/24", "reserved"),
  range("198.18.0.0/15", "reserved"),
  range("198.51.100.0/24", "documentation"),
  range("203.0.113.0/24", "documentation"),
  range("224.0.0.0/4", "multicast"),
  range("240.0.0.0/4", "reserved"),
];

const IPV6_RANGES: readonly Range[] = [
  // Metadata services: Amazon, Google, Scaleway.
  range("fd00:ec2::/32", "metadata"),
  range("fd20:ce::254/128", "metadata"),
  range("fd00:42::42/128", "metadata"),
  range("::/128", "unspecified"),
  range("::1/128", "loopback"),
  range("fc00::/7", "private"),
  range("fe80::/10", "link-local"),
  // Site-local: deprecated, and still routed in places.
  range("fec0::/10", "private"),
  range("ff00::/8", "multicast"),
  range("2001:db8::/32", "documentation"),
  range("3fff::/20", "documentation"),
  // Benchmarking, ORCHID, AMT and, deprecated, Teredo: no public host lives there.
  range("2001::/23", "reserved"),
  range("2620:4f:8000::/48", "reserved"),
  // Only 2000::/3 is handed out as global unicast; all other space is reserved, the local NAT64 prefix with it.
  range("2000::/3", "public"),
  range("::/0", "reserved"),
];

/** Where an IPv6 address carries an IPv4 one. */
interface Carrier {
  prefix: Range;
  /** First byte of each IPv4 address inside. */
  at: number[];
  /** The bits are stored inverted (Teredo's client address). */
  inverted?: boolean;
  /** The IPv6 range counts for nothing beside what it carries: the packet goes to the IPv4 host. */
  transparent: boolean;
}

const CARRIERS: readonly Carrier[] = [
  // Mapped, compatible (deprecated), translated (SIIT), NAT64, 6to4.
  { prefix: range("::ffff:0:0/96", "public"), at: [12], transparent: true },
  { prefix: range("::/96", "public"), at: [12], transparent: true },
  { prefix: range("::ffff:0:0:0/96", "public"), at: [12], transparent: true },
  { prefix: range("64:ff9b::/96", "public"), at: [12], transparent: true },
  { prefix: range("2002::/16", "public"), at: [2], transparent: true },
  // Teredo: the server in clear, the client inverted.
  { prefix: range("2001::/32", "public"), at: [4], transparent: false },
  { prefix: range("2001::/32", "public"), at: [12], inverted: true, transparent: false },
];

/** ISATAP marks itself in the interface id, under any prefix. */
const ISATAP_MARK = /^[02],0,94,254$/;

/** The worst first: an address that is several things counts as the first of these. */
const SEVERITY: readonly AddressClass[] = ["metadata", "link-local", "loopback", "unspecified", "private", "cgnat"];

/**
 * What an address is for. IPv6 that carries IPv4 (mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP) is what
 * it carries.
 */
export function classifyAddress(bytes: AddressBytes): AddressClass {
  if (bytes.length === 4) return lookUp(IPV4_RANGES, bytes);
  const own = lookUp(IPV6_RANGES, bytes);
  if (own === "loopback" || own === "unspecified") return own;
  const carriers = CARRIERS.filter((carrier) => contains(carrier.prefix, bytes));
  const inner = carriers.flatMap((carrier) => carrier.at.map((at) => carried(bytes, at, carrier.inverted ?? false)));
  if (ISATAP_MARK.test(bytes.slice(8, 12).join())) inner.push(carried(bytes, 12, false));
  const classes = inner.map((address) => lookUp(IPV4_RANGES, address));
  if (!carriers.some((carrier) => carrier.transparent)) classes.push(own);
  return SEVERITY.find((kind) => classes.includes(kind)) ?? classes.find((kind) => kind !== "public") ?? "public";
}

/**
 * Whether a connection to this address is refused. Text that is no address counts as forbidden: resolve names first.
 *
 * With `allowPrivate` everything opens but metadata services, link-local (where most of them live), multicast and the
 * unspecified address (which reaches loopback under another name).
 *
 * @example isForbiddenAddress("::ffff:7f00:1") // true: 127.0.0.1
 */
export function isForbiddenAddress(address: string | AddressBytes, policy: AddressPolicy = {}): boolean {
  const bytes = typeof address === "string" ? parseAddress(address) : address;
  if (bytes === null) return true;
  const kind = classifyAddress(bytes);
  if (kind === "public") return false;
  if (policy.allowPrivate !== true) return true;
  return kind === "metadata" || kind === "link-local" || kind === "multicast" || kind === "unspecified";
}

/** Whether the address reaches this very host by definition, in whatever IPv6 wrapping. */
export function isLoopbackAddress(address: string): boolean {
  const bytes = parseAddress(address);
  if (bytes === null) return false;
  const kind = classifyAddress(bytes);
  return kind === "loopback" || kind === "unspecified";
}

function range(cidr: string, kind: AddressClass): Range {
  const [address = "", bits = ""] = cidr.split("/");
  const bytes = parseAddress(address);
  if (bytes === null) throw new Error(`Not an address range: ${cidr}`);
  return { bytes, bits: Number(bits), class: kind };
}

function lookUp(ranges: readonly Range[], bytes: AddressBytes): AddressClass {
  return ranges.find((candidate) => contains(candidate, bytes))?.class ?? "public";
}

function contains(candidate: Range, bytes: AddressBytes): boolean {
  const whole = candidate.bits >> 3;
  for (let index = 0; index < whole; index++) if (candidate.bytes[index] !== bytes[index]) return false;
  const rest = candidate.bits & 7;
  if (rest === 0) return true;
  const shift = 8 - rest;
  return (candidate.bytes[whole] ?? 0) >> shift === (bytes[whole] ?? 0) >> shift;
}

function carried(bytes: AddressBytes, at: number, inverted: boolean): AddressBytes {
  return bytes.slice(at, at + 4).map((byte) => (inverted ? byte ^ 255 : byte));
}
