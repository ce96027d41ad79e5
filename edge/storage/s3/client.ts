/** Signed requests to one bucket: SigV4 by aws4fetch, bounded in time, refusals as errors. */
import { AwsV4Signer } from "aws4fetch";
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { toHex } from "../../../shared/hex.ts";
import { VERSION } from "../../version.ts";
import { StoreError } from "../store-error.ts";
import { encodeSegment, objectUrl } from "./address.ts";
import { clockOffset, noteClock } from "./clock.ts";
import { refusalOf } from "./errors.ts";

/** The part of the platform that an adapter uses. */
export interface StoreNetwork {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** Unix time, milliseconds. */
  now(): number;
  /** The URL guard, under the operator's policy: asked again at every request, as the policy may have changed. */
  accepts(url: string): boolean;
}

export interface S3Call {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  key: string;
  query?: Record<string, string>;
  headers?: Record<string, string>;
  body?: string;
  /** Defaults to {@link CALL_TIMEOUT_MS}. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface S3Answer {
  headers: Headers;
  /** The body; error documents were looked for by the caller. */
  text: string;
}

/** One short request. A node waits 20 s for an answer of ours, behind which there may be a look and two begins. */
const CALL_TIMEOUT_MS = 5_000;
/** An answer that is no object is read no further. */
const MAX_ANSWER_CHARACTERS = 65_536;

export class S3Client {
  readonly #config: StorageOf<"s3">;
  readonly #network: StoreNetwork;
  /** Derived keys, by day. */
  readonly #keys = new Map<string, ArrayBuffer>();

  constructor(config: StorageOf<"s3">, network: StoreNetwork) {
    this.#config = config;
    this.#network = network;
  }

  /** @throws StoreError for every answer that is no success, and for none at all */
  async send(call: S3Call): Promise<S3Answer> {
    return this.#bounded(call, async (signal) => {
      const response = await this.#request(call, signal);
      return { headers: response.headers, text: (await response.text()).slice(0, MAX_ANSWER_CHARACTERS) };
    });
  }

  /** As {@link send}; the body is handed on and may take as long as it likes. */
  async open(call: S3Call): Promise<Response> {
    return this.#bounded(call, (signal) => this.#request(call, signal));
  }

  /** A URL that anybody may use until then. Asks nobody. */
  async presign(method: "GET" | "PUT", key: string, query: Record<string, string>, expiresAt: number): Promise<string> {
    const seconds = Math.max(1, Math.ceil((expiresAt - this.#network.now()) / 1000));
    const url = this.#url(key, { ...query, "X-Amz-Expires": String(seconds) });
    const signed = await this.#signer(url, { method, signQuery: true }).sign();
    return strictHref(signed.url);
  }

  async #bounded<T>(call: S3Call, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(), call.timeoutMs ?? CALL_TIMEOUT_MS);
    const signal = call.signal === undefined ? timeout.signal : AbortSignal.any([call.signal, timeout.signal]);
    try {
      return await work(signal);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      // The runtime's words may name addresses; ours are few.
      throw new StoreError(signal.aborted ? "timeout" : "unreachable", "unavailable");
    } finally {
      clearTimeout(timer);
    }
  }

  async #request(call: S3Call, signal: AbortSignal): Promise<Response> {
    for (let first = true; ; first = false) {
      const response = await this.#sendOnce(call, signal);
      if (response.status >= 200 && response.status < 300) return response;
      const body = call.method === "HEAD" ? "" : (await response.text()).slice(0, MAX_ANSWER_CHARACTERS);
      const refusal = refusalOf(response.status, response.headers, body);
      // Their answer has told us the time.
      if (refusal.code !== "RequestTimeTooSkewed" || !first) throw refusal;
    }
  }

  async #sendOnce(call: S3Call, signal: AbortSignal): Promise<Response> {
    const { method, key, query = {}, body } = call;
    const url = this.#url(key, query);
    if (!this.#network.accepts(url.href)) throw new StoreError("unreachable", "permanent");
    const headers: Record<string, string> = { ...call.headers, "user-agent": `Trawl/${VERSION}` };
    // Over plain http some servers want the body signed too.
    if (body !== undefined) headers["x-amz-content-sha256"] = await sha256(body);
    const signed = await this.#signer(url, { method, headers }).sign();
    const response = await this.#network.fetch(strictHref(signed.url), {
      method,
      headers: signed.headers,
      body: body ?? null,
      redirect: "manual",
      signal,
    });
    noteClock(url.origin, response.headers.get("date"), this.#network.now());
    return response;
  }

  #signer(url: URL, how: { method: string; headers?: Record<string, string>; signQuery?: boolean }): AwsV4Signer {
    const { access_key, secret_key, region } = this.#config;
    const time = new Date(this.#network.now() + clockOffset(url.origin));
    return new AwsV4Signer({
      ...how,
      url: url.href,
      accessKeyId: access_key,
      secretAccessKey: secret_key,
      region,
      service: "s3",
      cache: this.#keys,
      datetime: time.toISOString().replace(/[:-]|\.\d{3}/g, ""),
    });
  }

  #url(key: string, query: Record<string, string>): URL {
    const url = objectUrl(this.#config, key);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }
}

/** `searchParams` writes a space as `+`, which is a plus to whoever reads queries as SigV4 does. */
function strictHref(url: URL): string {
  const query = [...url.searchParams]
    .map(([name, value]) => `${encodeSegment(name)}=${encodeSegment(value)}`)
    .join("&");
  return url.origin + url.pathname + (query === "" ? "" : `?${query}`);
}

async function sha256(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}
