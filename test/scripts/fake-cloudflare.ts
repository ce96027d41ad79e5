/** As much of Cloudflare's API as `wrangler` asks of it in a deploy: one account, its D1 databases, buckets and secrets. */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { DatabaseSync } from "node:sqlite";

export const ACCOUNT = "0123456789abcdef0123456789abcdef";
const TOKEN = "token-of-the-deploy-tests";

interface D1Query {
  sql: string;
  params?: string[];
}

/** A D1 database, as SQLite in memory. */
export class FakeD1 {
  readonly uuid: string;
  readonly name: string;
  readonly sqlite = new DatabaseSync(":memory:");

  constructor(uuid: string, name: string) {
    this.uuid = uuid;
    this.name = name;
  }

  query({ sql, params = [] }: D1Query): { results: unknown[]; success: true; meta: object }[] {
    // Migrations are many statements and have no answer.
    const reads = /^\s*(?:SELECT|PRAGMA)/i.test(sql);
    if (!reads) this.sqlite.exec(sql);
    return [{ results: reads ? this.sqlite.prepare(sql).all(...params) : [], success: true, meta: {} }];
  }
}

export interface FakeCloudflare {
  /** For the environment of `wrangler`. */
  env: Record<string, string>;
  databases: FakeD1[];
  buckets: string[];
  /** Null: the Worker was never deployed. */
  secrets: string[] | null;
  /** How often anything was asked. */
  asked: number;
  /** `METHOD /path` below the account of all that changed something, but for queries of D1. */
  changes: { call: string; body: string }[];
  close(): Promise<void>;
}

/** Starts it, with nothing in the account. */
export async function startFakeCloudflare(): Promise<FakeCloudflare> {
  const server = createServer((request, response) => {
    void readAll(request).then((body) => {
      const { pathname } = new URL(request.url ?? "/", "http://localhost");
      fake.asked++;
      const call = `${request.method} ${pathname}`;
      const signedIn = request.headers.authorization === `Bearer ${TOKEN}`;
      const result = signedIn ? answer(fake, call, body) : undefined;
      response.writeHead(result === undefined ? 404 : 200, { "content-type": "application/json" });
      const errors = result === undefined ? [{ code: 10_007, message: `the fake has no ${call}` }] : [];
      response.end(JSON.stringify({ success: result !== undefined, errors, messages: [], result: result ?? null }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fake: FakeCloudflare = {
    env: {
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      CLOUDFLARE_API_TOKEN: TOKEN,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
    },
    databases: [],
    buckets: [],
    secrets: null,
    asked: 0,
    changes: [],
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return fake;
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** The result of a call; undefined is a 404. */
function answer(fake: FakeCloudflare, call: string, body: string): unknown {
  const { databases, buckets, secrets } = fake;
  const path = call.replace(`/accounts/${ACCOUNT}`, "");
  const database = databases.find(({ uuid }) => path.includes(`/d1/database/${uuid}`));
  if (path === `GET /d1/database/${database?.uuid}`) return { uuid: database?.uuid, name: database?.name };
  if (path === `POST /d1/database/${database?.uuid}/query`) return database?.query(JSON.parse(body) as D1Query);
  if (buckets.some((name) => path === `GET /r2/buckets/${name}`)) return { name: path };
  if (path === "GET /workers/scripts/trawl/secrets") return secrets?.map((name) => ({ name, type: "secret_text" }));
  if (path === "GET /workers/subdomain") return { subdomain: "me" };
  if (path === "GET /workers/services/trawl" && secrets !== null) return { default_environment: { script: {} } };
  if (path === "GET /workers/workers/trawl") return { id: "trawl", name: "trawl", subdomain: { enabled: true } };
  if (path === "POST /graphql") return undefined; // figures that only decorate
  if (call.startsWith("GET ")) return undefined;
  fake.changes.push({ call: path, body });
  return path === "PUT /workers/scripts/trawl" ? { id: "trawl", startup_time_ms: 5, deployment_id: "d1" } : {};
}
