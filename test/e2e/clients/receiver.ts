/** A webhook receiver as somebody else would write one, and ill-behaved ones beside it. It knows the documentation alone. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";

export interface Received {
  headers: IncomingHttpHeaders;
  raw: string;
  body: Record<string, unknown>;
}

/** What is answered, by the first word of the path: `/<behaviour>/<name>`. */
const BEHAVIOURS: Record<string, (response: ServerResponse, before: number) => void> = {
  fine: (response) => response.writeHead(204).end(),
  failsOnce: (response, before) => response.writeHead(before === 0 ? 500 : 200).end(),
  hangs: () => {},
  redirects: (response) => response.writeHead(307, { location: "/fine/stolen" }).end(),
  gone: (response) => response.writeHead(410).end(),
  /** Says yes, promises a long body, and hangs up in the middle of it. */
  lies: (response) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write('{"error":"no"}', () => response.destroy());
  },
};

export class Receiver {
  readonly url: string;
  readonly #close: () => void;
  readonly #received = new Map<string, Received[]>();
  readonly #waiting = new Set<() => void>();

  private constructor(url: string, close: () => void) {
    this.url = url;
    this.#close = close;
  }

  static async open(): Promise<Receiver> {
    const server = createServer((request, response) => void take(request, response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const receiver = new Receiver(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, () => {
      server.close();
      server.closeAllConnections();
    });
    const take = async (request: IncomingMessage, response: ServerResponse) => {
      const [, behaviour = "", name = ""] = (request.url ?? "").split("/");
      const raw = await text(request);
      const before = receiver.of(name).length;
      receiver.#add(name, { headers: request.headers, raw, body: JSON.parse(raw) as Record<string, unknown> });
      BEHAVIOURS[behaviour]?.(response, before);
    };
    return receiver;
  }

  of(name: string): Received[] {
    return this.#received.get(name) ?? [];
  }

  /** Resolves with all that came for a name, once there is enough of it. */
  async until(name: string, enough: (received: Received[]) => boolean): Promise<Received[]> {
    while (!enough(this.of(name))) {
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
    return this.of(name);
  }

  close(): void {
    this.#close();
  }

  #add(name: string, received: Received): void {
    this.#received.set(name, [...this.of(name), received]);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** As the page tells receivers to do it; throws for a signature that is not right. */
export function verify(secret: string, { headers, raw }: Received): void {
  const [, t = "", v1 = ""] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers["x-tornado-signature"])) ?? [];
  const expected = createHmac("sha256", secret).update(`${t}.${raw}`).digest();
  if (!timingSafeEqual(expected, Buffer.from(v1, "hex"))) throw new Error("X-Tornado-Signature is wrong");
  if (Math.abs(Date.now() / 1000 - Number(t)) > 300) throw new Error("the signature is too old");
  if (headers["webhook-timestamp"] !== t) throw new Error("the two signatures have different times");
  new Webhook(secret).verify(raw, {
    "webhook-id": String(headers["webhook-id"]),
    "webhook-timestamp": t,
    "webhook-signature": String(headers["webhook-signature"]),
  });
}
