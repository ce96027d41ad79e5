/** Signed requests to one container: Shared Key or the customer's SAS, bounded in time, refusals as errors. */
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { VERSION } from "../../version.ts";
import { clockOffset, noteClock } from "../bucket/clock.ts";
import { guardRefusal } from "../guard-refusal.ts";
import { type Bounds, bounded, readText, type StoreNetwork } from "../network.ts";
import { StoreError } from "../store-error.ts";
import { azureRefusal } from "./errors.ts";
import { AZURE_VERSION, blobPath, sharedKey } from "./sas.ts";

export interface AzureCall extends Bounds {
  method: "GET" | "HEAD" | "PUT" | "DELETE";
  blob: string;
  query?: Record<string, string>;
  /** Names in lower case. */
  headers?: Record<string, string>;
  body?: { bytes: Uint8Array | ReadableStream<Uint8Array>; length: number };
  /** Of the answer; what is beyond is cut off. Defaults to what an answer without a list has. */
  maxCharacters?: number;
}

export class AzureClient {
  readonly #config: StorageOf<"blob">;
  readonly #network: StoreNetwork;
  readonly #service: URL;

  /** @param serviceUrl base of the account's blob service, without a final slash */
  constructor(config: StorageOf<"blob">, network: StoreNetwork, serviceUrl: string) {
    this.#config = config;
    this.#network = network;
    this.#service = new URL(serviceUrl);
  }

  /** The blob's URL, without a query and without any right. */
  url(blob: string): string {
    return this.#service.origin + this.#path(blob);
  }

  /** A time of our clock as Azure's has it. */
  asTheirs(at: number): number {
    return at + clockOffset(this.#service.origin);
  }

  /** @throws StoreError for every answer that is no success, and for none at all */
  async send(call: AzureCall): Promise<{ headers: Headers; text: string }> {
    return bounded(call, async (signal) => {
      const response = await this.#request(call, signal);
      return { headers: response.headers, text: await readText(response, call.maxCharacters) };
    });
  }

  /** As {@link send}; the body is handed on and may take as long as it likes. */
  async open(call: AzureCall): Promise<Response> {
    return bounded(call, (signal) => this.#request(call, signal));
  }

  async #request(call: AzureCall, signal: AbortSignal): Promise<Response> {
    for (let first = true; ; first = false) {
      const { response, clockWasOff } = await this.#sendOnce(call, signal);
      if (response.ok && guardRefusal(response.headers) === null) return response;
      const body = call.method === "HEAD" ? "" : await readText(response);
      const refusal = azureRefusal(response.status, response.headers, body);
      // Azure has no code of its own for a clock that is off. A stream cannot be sent again.
      if (!clockWasOff || !first || call.body?.bytes instanceof ReadableStream) throw refusal;
    }
  }

  async #sendOnce(call: AzureCall, signal: AbortSignal): Promise<{ response: Response; clockWasOff: boolean }> {
    const { method, blob, query = {}, body } = call;
    const url = new URL(this.url(blob));
    if (!this.#network.accepts(url.href)) throw new StoreError("unreachable", "permanent");
    const headers: Record<string, string> = {
      ...call.headers,
      "x-ms-date": new Date(this.asTheirs(this.#network.now())).toUTCString(),
      "x-ms-version": AZURE_VERSION,
      "user-agent": `Trawl/${VERSION}`,
    };
    const length = body?.length ?? 0;
    let search = new URLSearchParams(query).toString().replaceAll("+", "%20");
    if (this.#config.account_key === undefined) {
      search = [search, (this.#config.sas_token ?? "").replace(/^\?/, "")].filter((part) => part !== "").join("&");
    } else {
      const request = { method, path: this.#path(blob), query, headers, contentLength: length };
      const key = { account: this.#config.account_name, accountKey: this.#config.account_key };
      headers.authorization = await sharedKey(request, key);
    }
    // `duplex` is asked for by the fetch standard and unknown to workerd's types.
    const init: RequestInit & { duplex: "half" } = {
      method,
      headers: { ...headers, ...(method === "PUT" ? { "content-length": String(length) } : {}) },
      body: body?.bytes ?? null,
      redirect: "manual",
      duplex: "half",
      signal,
    };
    const response = await this.#network.fetch(search === "" ? url.href : `${url.href}?${search}`, init);
    return { response, clockWasOff: noteClock(url.origin, response.headers.get("date"), this.#network.now()) };
  }

  #path(blob: string): string {
    return this.#service.pathname.replace(/\/+$/, "") + blobPath(this.#config.container, blob);
  }
}
