/** Requests to one container: Shared Key or the customer's SAS. */
import type { StorageOf } from "../../../shared/contract/storage.ts";
import type { StoreNetwork } from "../network.ts";
import { type SignedCall, type StoreCall, StoreClient } from "../store-client.ts";
import type { StoreError } from "../store-error.ts";
import { azureRefusal } from "./errors.ts";
import { AZURE_VERSION, blobPath, sharedKey } from "./sas.ts";

export interface AzureCall extends StoreCall {
  method: "GET" | "HEAD" | "PUT" | "DELETE";
  blob: string;
  query?: Record<string, string>;
  /** Names in lower case. */
  headers?: Record<string, string>;
  body?: { bytes: Uint8Array | ReadableStream<Uint8Array>; length: number };
}

export class AzureClient extends StoreClient<AzureCall> {
  readonly #config: StorageOf<"blob">;
  readonly #service: URL;

  /** @param serviceUrl base of the account's blob service, without a final slash */
  constructor(config: StorageOf<"blob">, network: StoreNetwork, serviceUrl: string) {
    super(network);
    this.#config = config;
    this.#service = new URL(serviceUrl);
  }

  /** The blob's URL, without a query and without any right. */
  url(blob: string): string {
    return this.#service.origin + this.#path(blob);
  }

  /** A time of our clock as Azure's has it. */
  timeThere(at: number): number {
    return this.asTheirs(at, this.#service);
  }

  protected place({ blob }: AzureCall): URL {
    return new URL(this.url(blob));
  }

  protected async sign(
    { method, blob, query = {}, headers: given, body }: AzureCall,
    place: URL,
    always: Record<string, string>,
    at: number,
  ): Promise<SignedCall> {
    const headers: Record<string, string> = {
      ...given,
      ...always,
      "x-ms-date": new Date(at).toUTCString(),
      "x-ms-version": AZURE_VERSION,
    };
    const length = body?.length ?? 0;
    const { account_name: account, account_key: accountKey, sas_token = "" } = this.#config;
    let search = new URLSearchParams(query).toString().replaceAll("+", "%20");
    if (accountKey === undefined) {
      search = [search, sas_token.replace(/^\?/, "")].filter((part) => part !== "").join("&");
    } else {
      const request = { method, path: this.#path(blob), query, headers, contentLength: length };
      headers.authorization = await sharedKey(request, { account, accountKey });
    }
    if (method === "PUT") headers["content-length"] = String(length);
    return { url: search === "" ? place.href : `${place.href}?${search}`, headers, body: body?.bytes ?? null };
  }

  protected refusal(status: number, headers: Headers, body: string): StoreError {
    return azureRefusal(status, headers, body);
  }

  #path(blob: string): string {
    return this.#service.pathname.replace(/\/+$/, "") + blobPath(this.#config.container, blob);
  }
}
