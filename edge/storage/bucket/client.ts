/** Requests to one bucket of the S3 family, and URLs that anybody may use. */
import type { StoreNetwork } from "../network.ts";
import type { Query } from "../signing/encode.ts";
import { type SignedCall, type StoreCall, StoreClient } from "../store-client.ts";
import type { StoreError } from "../store-error.ts";
import type { BucketDialect, Method } from "./dialect.ts";
import { refusalOf } from "./errors.ts";

export interface BucketCall extends StoreCall {
  method: Method;
  key: string;
  query?: Query;
  headers?: Record<string, string>;
  body?: string;
}

export class BucketClient extends StoreClient<BucketCall> {
  readonly dialect: BucketDialect;

  constructor(dialect: BucketDialect, network: StoreNetwork) {
    super(network);
    this.dialect = dialect;
  }

  /** A URL that anybody may use until then. Asks nobody. */
  async presign(method: "GET" | "PUT", key: string, query: Query, expiresAt: number): Promise<string> {
    const seconds = Math.max(1, Math.ceil((expiresAt - this.now()) / 1000));
    const at = this.asTheirs(this.now(), this.dialect.objectUrl(key));
    return this.dialect.presign({ method, key, query }, at, seconds);
  }

  /** The bucket's own time, Unix milliseconds, as far as its answers have told it. */
  theirNow(): number {
    return this.asTheirs(this.now(), this.dialect.objectUrl(""));
  }

  protected place({ key }: BucketCall): URL {
    return this.dialect.objectUrl(key);
  }

  protected async sign(
    { method, key, query = {}, headers, body: text }: BucketCall,
    _: URL,
    always: Record<string, string>,
    at: number,
  ): Promise<SignedCall> {
    const body = text ?? null;
    // `fetch` would add one of its own to a text, and it is signed where it is sent.
    const type = body === null ? {} : { "content-type": "text/plain" };
    const all = { ...type, ...headers, ...always };
    return { ...(await this.dialect.authorize({ method, key, query, headers: all, body }, at)), body };
  }

  protected refusal(status: number, headers: Headers, body: string): StoreError {
    return refusalOf(status, headers, body);
  }
}
