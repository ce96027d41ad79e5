/** What may be dialled, and the words for what may not. */
import { lookup as dnsLookup } from "node:dns/promises";

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

export type Lookup = (hostname: string) => Promise<ResolvedAddress[]>;

export interface EgressOptions {
  /** `TRAWL_ALLOW_PRIVATE=1`. Defaults to false. */
  allowPrivate?: boolean;
  /** Hosts the operator vouches for: names, addresses, either with `:port`. Defaults to none. */
  allowHosts?: readonly string[];
  /**
   * Ports of ours on this machine: the edge, the store, a debugger. Refused on every address of the machine, also when
   * private addresses are allowed. The set may change while in use. Defaults to none.
   */
  ownPorts?: ReadonlySet<number>;
  /** Defaults to the system's resolver. */
  lookup?: Lookup;
}

export interface EgressPolicy {
  allowPrivate: boolean;
  allowHosts: readonly string[];
  isOwnPort: (port: number) => boolean;
  lookup: Lookup;
}

export function resolveEgress(options: EgressOptions = {}): EgressPolicy {
  const ownPorts = options.ownPorts ?? new Set();
  return {
    allowPrivate: options.allowPrivate ?? false,
    allowHosts: options.allowHosts ?? [],
    isOwnPort: (port) => ownPorts.has(port),
    lookup: options.lookup ?? systemLookup,
  };
}

async function systemLookup(hostname: string): Promise<ResolvedAddress[]> {
  const found = await dnsLookup(hostname, { all: true, order: "verbatim" });
  return found.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}

/** Why the guard did not connect. The first three are its own decision, the others befell it. */
export type EgressReason =
  | "invalid"
  | "private"
  | "own-port"
  | "limit"
  | "closed"
  | "unresolvable"
  | "unreachable"
  | "timeout";

/** The guard's own decision: another try, here or elsewhere, cannot help. */
export function isGuards(reason: EgressReason): boolean {
  return reason === "private" || reason === "own-port" || reason === "invalid";
}

interface Answer {
  status: number;
  /**
   * Reason phrase. The tools show it and hide headers and body (`Tunnel connection failed: 403 …`), so the node's
   * classifier of failures reads these words.
   */
  text: string;
}

export const EGRESS_ANSWERS: Record<EgressReason, Answer> = {
  invalid: { status: 400, text: "Bad Request to the egress guard" },
  private: { status: 403, text: "Blocked by egress guard: private address" },
  "own-port": { status: 403, text: "Blocked by egress guard: private address" },
  limit: { status: 503, text: "Service Unavailable: limit of the egress reached" },
  closed: { status: 503, text: "Service Unavailable: attempt ended" },
  unresolvable: { status: 502, text: "Bad Gateway: name resolution failed" },
  unreachable: { status: 502, text: "Bad Gateway: connection failed" },
  timeout: { status: 504, text: "Gateway Timeout: timed out" },
};

/** On every answer that the guard gives itself, with the reason as value; taken out of answers from elsewhere. */
export const EGRESS_HEADER = "x-trawl-egress";

export class EgressError extends Error {
  override readonly name = "EgressError";
  readonly reason: EgressReason;
  readonly host: string;

  constructor(reason: EgressReason, host: string, cause?: unknown) {
    super(EGRESS_ANSWERS[reason].text, { cause });
    this.reason = reason;
    this.host = host;
  }

  /** See {@link isGuards}. */
  get refused(): boolean {
    return isGuards(this.reason);
  }
}

/** Any fault on the way out as an EgressError. */
export function toEgressError(error: unknown, host: string): EgressError {
  if (error instanceof EgressError) return error;
  const inner = error instanceof Error ? error.cause : undefined;
  return inner instanceof EgressError ? inner : new EgressError("unreachable", host, error);
}
