/** Signed requests to a store, whatever it is: guarded, bounded in time and in what is read, the server's clock minded. */
import { VERSION } from "../version.ts";
import { clockOffset, noteClock } from "./clock.ts";
import { guardRefusal } from "./guard-refusal.ts";
import { type Bounds, bounded, readText, type StoreNetwork } from "./network.ts";
import { StoreError } from "./store-error.ts";

export interface StoreCall extends Bounds {
  method: string;
  /** Of the answer; what is beyond is cut off. Defaults to what an answer without an object has. */
  maxCharacters?: number;
}

export interface StoreAnswer {
  headers: Headers;
  /** The body; error documents were looked for by the caller. */
  text: string;
}

/** What is sent: the URL with its query, and all headers, signed. */
export interface SignedCall {
  url: string;
  headers: Record<string, string>;
  body: string | Uint8Array | ReadableStream<Uint8Array> | null;
}

export abstract class StoreClient<Call extends StoreCall> {
  readonly #network: StoreNetwork;

  constructor(network: StoreNetwork) {
    this.#network = network;
  }

  /** Where a call goes: the guard is asked, and it is that server's clock. */
  protected abstract place(call: Call): URL;
  /**
   * @param headers to be sent with it in any case
   * @param at Unix milliseconds by the server's clock
   */
  protected abstract sign(call: Call, place: URL, headers: Record<string, string>, at: number): Promise<SignedCall>;
  /** An answer that is no success, as an error. */
  protected abstract refusal(status: number, headers: Headers, body: string): StoreError;

  /** @throws StoreError for every answer that is no success, and for none at all */
  async send(call: Call): Promise<StoreAnswer> {
    return bounded(call, async (signal) => {
      const response = await this.#request(call, signal);
      return { headers: response.headers, text: await readText(response, call.maxCharacters) };
    });
  }

  /** As {@link send}; the body is handed on and may take as long as it likes. */
  async open(call: Call): Promise<Response> {
    return bounded(call, (signal) => this.#request(call, signal));
  }

  protected now(): number {
    return this.#network.now();
  }

  /** A time of our clock as that server has it, as far as its answers have told. */
  protected asTheirs(at: number, place: URL): number {
    return at + clockOffset(place.origin);
  }

  async #request(call: Call, signal: AbortSignal): Promise<Response> {
    for (let first = true; ; first = false) {
      const { response, again } = await this.#sendOnce(call, signal);
      if (response.ok && guardRefusal(response.headers) === null) return response;
      const body = call.method === "HEAD" ? "" : await readText(response);
      // Their answer has told us the time. Not by the code: an answer to HEAD has none, and Azure has no code for it.
      if (!again || !first) throw this.refusal(response.status, response.headers, body);
    }
  }

  async #sendOnce(call: Call, signal: AbortSignal): Promise<{ response: Response; again: boolean }> {
    const place = this.place(call);
    if (!this.#network.accepts(place.href)) throw new StoreError("unreachable", "permanent");
    const always = { "user-agent": `Trawl/${VERSION}` };
    const { url, headers, body } = await this.sign(call, place, always, this.asTheirs(this.now(), place));
    // `duplex` is asked for by the fetch standard where the body is a stream, and unknown to workerd's types.
    const init: RequestInit & { duplex: "half" } = {
      method: call.method,
      headers,
      body,
      redirect: "manual",
      duplex: "half",
      signal,
    };
    const response = await this.#network.fetch(url, init);
    const clockWasOff = noteClock(place.origin, response.headers.get("date"), this.now());
    // A stream cannot be sent again.
    return { response, again: clockWasOff && !(body instanceof ReadableStream) };
  }
}
