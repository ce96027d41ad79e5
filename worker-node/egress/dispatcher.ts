/** An undici dispatcher whose every connection goes through the guard. */
import type { Socket } from "node:net";
import { isIP } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { Agent, type buildConnector } from "undici";
import { dial } from "./dial.ts";
import { DIAL_TIMEOUT_MS, IDLE_TIMEOUT_MS, MAX_HEADER_BYTES } from "./limits.ts";
import { EgressError, type EgressPolicy } from "./policy.ts";
import type { Target } from "./resolve.ts";

/** Checks and connects: `dial` with a policy, or that of an attempt. */
export type Dialler = (target: Target) => Promise<Socket>;

/** The caller closes it. */
export function guardedDispatcher(policy: EgressPolicy): Agent {
  return dispatcherOver((target) => dial(target, policy));
}

/** The same on connections that somebody else makes. */
export function dispatcherOver(dialler: Dialler): Agent {
  return new Agent({
    connect: guardedConnector(dialler),
    bodyTimeout: IDLE_TIMEOUT_MS,
    headersTimeout: IDLE_TIMEOUT_MS,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
}

/** Not undici's own connector with a `lookup` option: that hook is never called for address literals. */
function guardedConnector(dialler: Dialler): buildConnector.connector {
  return (options, callback) => {
    open(options, dialler).then(
      (socket) => callback(null, socket),
      (error: unknown) => callback(error instanceof Error ? error : new Error(String(error)), null),
    );
  };
}

async function open(options: buildConnector.Options, dialler: Dialler): Promise<Socket> {
  const secure = options.protocol === "https:";
  const port = Number(options.port || (secure ? 443 : 80));
  const socket = await dialler({ host: options.hostname, port });
  return secure ? startTls(socket, options) : socket;
}

function startTls(socket: Socket, options: buildConnector.Options): Promise<TLSSocket> {
  const name = options.servername || options.hostname.replace(/^\[(.*)\]$/, "$1");
  // SNI carries names only (RFC 6066 section 3); certificates are checked against the address all the same.
  const serverName = isIP(name) === 0 ? { servername: name } : {};
  const secure = connectTls({ socket, host: name, ...serverName, ALPNProtocols: ["http/1.1"] });
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      clearTimeout(timer);
      secure.on("error", () => undefined);
      secure.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new EgressError("timeout", name)), DIAL_TIMEOUT_MS);
    secure.once("error", fail);
    secure.once("secureConnect", () => {
      clearTimeout(timer);
      secure.off("error", fail);
      resolve(secure);
    });
  });
}
