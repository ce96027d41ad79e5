/** `CONNECT host:port` (RFC 9110 section 9.3.6): after the handshake the proxy only moves bytes. */
import type { IncomingMessage } from "node:http";
import { type Duplex, pipeline } from "node:stream";
import type { ProxyAttempt } from "./attempt.ts";
import { parseAuthority } from "./forward.ts";
import { EGRESS_ANSWERS, EGRESS_HEADER, EgressError, toEgressError } from "./policy.ts";
import { Pump } from "./pump.ts";

/** Dials and joins both connections; either end closing or failing ends both. */
export async function tunnel(
  attempt: ProxyAttempt,
  request: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<void> {
  // Whatever happens to it is seen by the pipelines, or does not matter any more.
  client.on("error", () => undefined);
  const target = parseAuthority(request.url ?? "", 443);
  try {
    if (target === null) throw new EgressError("invalid", "");
    const pump = attempt.chained ? null : new Pump(client);
    const upstream = await attempt.dial(target, pump?.onread);
    if (client.destroyed) {
      upstream.destroy();
      return;
    }
    client.write("HTTP/1.1 200 Connection established\r\n\r\n");
    if (head.length > 0) upstream.write(head);
    pipeline(client, upstream, (error) => {
      if (error) client.destroy();
    });
    client.once("close", () => {
      if (!client.writableFinished) upstream.destroy();
    });
    if (pump !== null) pump.join(upstream);
    else
      pipeline(upstream, client, (error) => {
        if (error) client.destroy();
      });
  } catch (error) {
    const fault = toEgressError(error, target?.host ?? "");
    attempt.noteRefusal(fault);
    sendRaw(client, EGRESS_ANSWERS[fault.reason].status, EGRESS_ANSWERS[fault.reason].text, [
      `${EGRESS_HEADER}: ${fault.reason}`,
    ]);
  }
}

/** An answer on a bare connection, which then ends. */
export function sendRaw(client: Duplex, status: number, text: string, headers: readonly string[]): void {
  const lines = [`HTTP/1.1 ${status} ${text}`, ...headers, "Content-Length: 0", "Connection: close"];
  client.end(`${lines.join("\r\n")}\r\n\r\n`);
}
