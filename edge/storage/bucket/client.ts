/** Signed requests to one bucket: bounded in time, refusals as errors, the server's clock minded. */
import { VERSION } from "../../version.ts";
import { guardRefusal } from "../guard-refusal.ts";
import { type Bounds, bounded, readText, type StoreNetwork } from "../network.ts";
import type { Query } from "../signing/encode.ts";
import { StoreError } from "../store-error.ts";
import { clockOffset, noteClock } from "./clock.ts";
import type { BucketDialect, Method } from "./dialect.ts";
import { refusalOf } from "./errors.ts";

export interface BucketCall extends Bounds {
  method: Method;
  key: string;
  query?: Query;
  headers?: Record<string, string>;
  body?: string;
  /** Of the answer; what is beyond is cut off. Defaults to what an answer without an object has. */
  maxCharacters?: number;
}

export interface BucketAnswer {
  headers: Headers;
  /** The body; error documents were looked for by the caller. */
  text: string;
}

export class BucketClient {
  readonly dialect: BucketDialect;
  readonly #network: StoreNetwork;

  constructor(dialect: BucketDialect, network: StoreNetwork) {
    this.dialect = dialect;
    this.#network = network;
  }

  /** @throws StoreError for every answer that is no success, and for none at all */
  async send(call: BucketCall): Promise<BucketAnswer> {
    return bounded(call, async (signal) => {
      const response = await this.#request(call, signal);
      return { headers: response.headers, text: await readText(response, call.maxCharacters) };
    });
  }

  /** As {@link send}; the body is handed on and may take as long as it likes. */
  async open(call: BucketCall): Promise<Response> {
    return bounded(call, (signal) => this.#request(call, signal));
  }

  /** A URL that anybody may use until then. Asks nobody. */
  async presign(method: "GET" | "PUT", key: string, query: Query, expiresAt: number): Promise<string> {
    const seconds = Math.max(1, Math.ceil((expiresAt - this.#network.now()) / 1000));
    return this.dialect.presign({ method, key, query }, this.#now(this.dialect.objectUrl(key)), seconds);
  }

  /** The bucket's own time, Unix milliseconds, as far as its answers have told it. */
  theirNow(): number {
    return this.#now(this.dialect.objectUrl(""));
  }

  /** Our clock as the server sees it. */
  #now(url: URL): number {
    return this.#network.now() + clockOffset(url.origin);
  }

  async #request(call: BucketCall, signal: AbortSignal): Promise<Response> {
    for (let first = true; ; first = false) {
      const { response, clockWasOff } = await this.#sendOnce(call, signal);
      if (response.ok && guardRefusal(response.headers) === null) return response;
      const body = call.method === "HEAD" ? "" : await readText(response);
      const refusal = refusalOf(response.status, response.headers, body);
      // Their answer has told us the time. Not by the code: an answer to HEAD has none.
      if (!clockWasOff || !first) throw refusal;
    }
  }

  async #sendOnce(call: BucketCall, signal: AbortSignal): Promise<{ response: Response; clockWasOff: boolean }> {
    const { method, key, query = {}, body = null } = call;
    const place = this.dialect.objectUrl(key);
    if (!this.#network.accepts(place.href)) throw new StoreError("unreachable", "permanent");
    const headers = {
      // `fetch` would add one of its own to a text, and it is signed where it is sent.
      ...(body === null ? {} : { "content-type": "text/plain" }),
      ...call.headers,
      "user-agent": `Trawl/${VERSION}`,
    };
    const signed = await this.dialect.authorize({ method, key, query, headers, body }, this.#now(place));
    const response = await this.#network.fetch(signed.url, {
      method,
      headers: signed.headers,
      body,
      redirect: "manual",
      signal,
    });
    return { response, clockWasOff: noteClock(place.origin, response.headers.get("date"), this.#network.now()) };
  }
}
