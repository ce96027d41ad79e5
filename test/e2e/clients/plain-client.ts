/** A client that knows a base URL, a key and the documentation, and nothing of this project. */
import { setTimeout as delay } from "node:timers/promises";

export interface Reply<Body> {
  status: number;
  headers: Headers;
  body: Body;
}

/** Any JSON object. */
export type Json = Record<string, unknown>;

export class PlainClient {
  readonly #base: string;
  readonly #headers: Record<string, string>;

  constructor(base: string, headers: Record<string, string>) {
    this.#base = base;
    this.#headers = headers;
  }

  async send<Body = Json>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply<Body>> {
    const response = await fetch(this.#base + path, {
      method,
      headers: { ...this.#headers, "Content-Type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
  }

  get<Body = Json>(path: string): Promise<Reply<Body>> {
    return this.send<Body>("GET", path);
  }
  post<Body = Json>(path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply<Body>> {
    return this.send<Body>("POST", path, body, headers);
  }

  /** Asks again and again, as the documentation tells clients to, only faster. */
  async poll<Body = Json>(path: string, enough: (body: Body) => boolean, everyMs = 100): Promise<Body> {
    for (const end = Date.now() + 60_000; Date.now() < end; await delay(everyMs)) {
      const { status, body } = await this.get<Body>(path);
      if (status !== 200) throw new Error(`GET ${path} answered ${status}: ${JSON.stringify(body)}`);
      if (enough(body)) return body;
    }
    throw new Error(`GET ${path} never answered what was waited for`);
  }
}
