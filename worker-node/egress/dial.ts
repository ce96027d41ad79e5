/** Connects to an address that was checked. */
import { connect, type OnReadOpts, type Socket } from "node:net";
import { DIAL_TIMEOUT_MS } from "./limits.ts";
import { EgressError, type EgressPolicy, type ResolvedAddress } from "./policy.ts";
import { resolveChecked, type Target } from "./resolve.ts";

/** Stands for the host while Node chooses among its addresses: no resolver is ever asked for it. */
const PLACEHOLDER_HOST = "checked.invalid";

export interface DialOptions {
  signal?: AbortSignal;
  /** Takes what the socket reads, in place of its stream. */
  onread?: OnReadOpts;
}

/**
 * Resolves, checks and connects. There is no second look-up between check and connection.
 *
 * @throws EgressError
 */
export async function dial(target: Target, policy: EgressPolicy, options: DialOptions = {}): Promise<Socket> {
  const { signal, onread } = options;
  const addresses = await resolveChecked(target, policy);
  if (signal?.aborted) throw new EgressError("closed", target.host);
  const socket = connect({
    // Not the address itself, even if there is one only: Node skips the hook for address literals.
    host: PLACEHOLDER_HOST,
    port: target.port,
    lookup: (_host, options, callback) => answerLookup(addresses, options.all === true, callback),
    autoSelectFamily: true,
    // A tunnel's client may end its half first and still wait for the answer.
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    ...(onread === undefined ? {} : { onread }),
  });
  return new Promise((resolve, reject) => {
    const fail = (error: EgressError) => {
      cleanUp();
      socket.on("error", () => undefined);
      socket.destroy();
      reject(error);
    };
    const onError = (error: Error) => fail(new EgressError("unreachable", target.host, error));
    const onAbort = () => fail(new EgressError("closed", target.host));
    const timer = setTimeout(() => fail(new EgressError("timeout", target.host)), DIAL_TIMEOUT_MS);
    const cleanUp = () => {
      clearTimeout(timer);
      socket.off("error", onError);
      signal?.removeEventListener("abort", onAbort);
    };
    socket.once("error", onError);
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("connect", () => {
      cleanUp();
      resolve(socket);
    });
  });
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | ResolvedAddress[],
  family?: number,
) => void;

/** Node asks for all addresses when it may choose the family itself, and for one otherwise. */
function answerLookup(addresses: ResolvedAddress[], all: boolean, callback: LookupCallback): void {
  const [first] = addresses;
  if (all || first === undefined) callback(null, addresses);
  else callback(null, first.address, first.family);
}
