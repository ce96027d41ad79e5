/** What the edge tests share: the Worker over HTTP, accounts with keys, JSON in and out. */
import { env, exports } from "cloudflare:workers";
import { expect } from "vitest";

/** Not a loopback name, so that part URLs lead through the Worker. */
export const ORIGIN = "https://edge.test";

export type Json = Record<string, unknown>;

export interface Answer<Body = Json> {
  status: number;
  headers: Headers;
  body: Body;
}

export function call(path: string, init: RequestInit = {}): Promise<Response> {
  return exports.default.fetch(new Request(ORIGIN + path, init));
}

/** Sends JSON (or, as text, whatever it is) and reads JSON. */
export async function send<Body = Json>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer<Body>> {
  const text = body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body);
  const response = await call(path, { method, headers, body: text });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Body };
}

export function admin<Body = Json>(method: string, path: string, body?: unknown): Promise<Answer<Body>> {
  return send<Body>(method, path, body, { authorization: `Bearer ${env.TRAWL_ADMIN_TOKEN}` });
}

export interface Account {
  id: string;
  key: string;
  keyId: string;
  /** A call with this account's key. */
  api<Body = Json>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<Body>>;
  /** A POST whose body arrives in chunks of unannounced length. */
  stream(path: string, body: ReadableStream<Uint8Array>): Promise<Answer>;
  /** Creates a job and gives its id. */
  createJob(body?: Json): Promise<string>;
}

export interface NewAccount {
  /** Limits of the account. Defaults to a rate that no test reaches. */
  limits?: Json;
  /** Body of the key. */
  key?: Json;
}

export async function newAccount(options: NewAccount = {}): Promise<Account> {
  const limits = { rate_per_second: 10_000, ...options.limits };
  const account = await admin<{ id: string }>("POST", "/admin/accounts", { name: "Studio North", limits });
  expect(account.status).toBe(201);
  const { id } = account.body;
  const made = await newKey(id, options.key);
  const api: Account["api"] = (method, path, body, headers) =>
    send(method, path, body, { "x-api-key": made.key, ...headers });
  return {
    id,
    key: made.key,
    keyId: made.id,
    api,
    async stream(path, body) {
      const response = await call(path, { method: "POST", headers: { "x-api-key": made.key }, body });
      return { status: response.status, headers: response.headers, body: (await response.json()) as Json };
    },
    async createJob(body = {}) {
      const answer = await api<{ job_id: string }>("POST", "/jobs", { url: "https://media.example.com/v1", ...body });
      expect(answer.status, JSON.stringify(answer.body)).toBe(201);
      return answer.body.job_id;
    },
  };
}

export async function newKey(account: string, body: Json = {}): Promise<{ id: string; key: string }> {
  const made = await admin<{ id: string; key: string }>("POST", `/admin/accounts/${account}/keys`, body);
  expect(made.status).toBe(201);
  return made.body;
}

/** An error body as the jobs API words it, without `details`. */
export function refusal(answer: Answer): { status: number; error: unknown; field?: unknown } {
  const { error, field } = answer.body;
  return field === undefined ? { status: answer.status, error } : { status: answer.status, error, field };
}

/** The body as text, whatever its type; `text()` warns of a video. */
export async function textOf(response: Response): Promise<string> {
  return new TextDecoder().decode(await response.arrayBuffer());
}

/** The fake store, past the Worker (`test/storage/fake-store.ts`). */
export async function store<Body = Json>(method: string, path: string, body: BodyInit | null = null): Promise<Body> {
  if (env.STORE === undefined) throw new Error("the edge project binds a fake STORE");
  const answer = await env.STORE.fetch(`http://store/fake/${path}`, { method, body });
  return (await answer.json()) as Body;
}

/** One server-sent event. */
export interface Sent {
  id: string;
  event: string;
  data: Json;
}

/** All events of a stream that ends by itself. */
export async function readStream(response: Response): Promise<Sent[]> {
  const text = await response.text();
  return text
    .split("\n\n")
    .filter((block) => block !== "" && !block.startsWith(":"))
    .map((block) => {
      const fields = new Map(
        block.split("\n").map((line) => {
          const at = line.indexOf(": ");
          return [line.slice(0, at), line.slice(at + 2)] as const;
        }),
      );
      return {
        id: fields.get("id") ?? "",
        event: fields.get("event") ?? "",
        data: JSON.parse(fields.get("data") ?? "null") as Json,
      };
    });
}
