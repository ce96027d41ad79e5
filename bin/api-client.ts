import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { errorText } from "../edge/local/log.ts";
import { Failure } from "./cli-error.ts";
import type { Connection } from "./connection.ts";

/** A call that failed, with the status that the edge answered. */
export class ApiFailure extends Failure {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What a call sends besides its path. */
export type ApiCall = {
  method?: "GET" | "POST" | "DELETE";
  body?: unknown;
  headers?: Record<string, string>;
  as?: "key" | "admin";
  signal?: AbortSignal;
};

/** The edge, with a credential. */
export type ApiClient = {
  edge: string;
  /** Calls and parses. @throws ApiFailure, Failure */
  json<T>(schema: z.ZodType<T>, path: string, call?: ApiCall): Promise<T>;
  /** Calls and hands out the answer as it is, whatever its status. @throws Failure if there is none */
  raw(path: string, call?: ApiCall): Promise<Response>;
};

/** What to do about an answer whose words alone do not say it. */
const NEXT: Record<string, string> = {
  "Node not found": "see the ids with: trawl nodes",
  "Account not found": "see the ids with: trawl accounts",
  "Key not found": "GET /admin/accounts/ID/keys lists the ids of an account's keys",
  "Job not found": "see the ids with: trawl ls",
  "Not found": "does TRAWL_EDGE name the right address?",
};

const ErrorSchema = z.object({ error: z.string() });
/** 429 and 503 name a wait; longer ones are the operator's to decide. */
const MAX_RETRY_AFTER_S = 5;
const MAX_TRIES = 5;

/** @example await apiClient(await resolveConnection()).json(JobSchema, `/jobs/${id}`); */
export function apiClient(connection: Connection): ApiClient {
  const raw = async (path: string, call: ApiCall = {}): Promise<Response> => {
    const headers = new Headers({ ...credential(connection, call.as ?? "key"), ...call.headers });
    const init: RequestInit = { method: call.method ?? "GET", headers, signal: call.signal ?? null };
    if (call.body !== undefined) {
      headers.set("content-type", "application/json");
      init.body = JSON.stringify(call.body);
    }
    try {
      return await fetch(`${connection.edge}${path}`, init);
    } catch (error) {
      if (call.signal?.aborted) throw error;
      throw new Failure(
        `cannot reach ${connection.edge} (${reason(error)}): is it running? start it with: trawl up, or set TRAWL_EDGE`,
      );
    }
  };
  return {
    edge: connection.edge,
    raw,
    async json(schema, path, call = {}) {
      for (let tries = 1; ; tries++) {
        const response = await raw(path, call);
        const wait = Number(response.headers.get("retry-after") ?? "NaN");
        const mayWait = [429, 503].includes(response.status) && wait <= MAX_RETRY_AFTER_S && tries < MAX_TRIES;
        if (!mayWait) return parseAnswer(schema, response, call.as ?? "key");
        await response.body?.cancel();
        await delay(wait * 1_000, undefined, call.signal === undefined ? {} : { signal: call.signal });
      }
    },
  };
}

async function parseAnswer<T>(schema: z.ZodType<T>, response: Response, as: "key" | "admin"): Promise<T> {
  const text = await response.text();
  const body = parseJson(text);
  if (!response.ok) {
    const told = ErrorSchema.safeParse(body);
    const message = told.success ? told.data.error : `the edge answered ${response.status}`;
    const credential = as === "admin" ? "TRAWL_ADMIN_TOKEN" : "TRAWL_API_KEY";
    const next =
      response.status === 401 ? `set ${credential} to the one of ${new URL(response.url).origin}` : NEXT[message];
    throw new ApiFailure(response.status, next === undefined ? message : `${message}: ${next}`);
  }
  const parsed = schema.safeParse(body);
  if (!parsed.success) throw new Failure("the answer is not Trawl's: does TRAWL_EDGE name the right address?");
  return parsed.data;
}

function credential(connection: Connection, as: "key" | "admin"): Record<string, string> {
  if (as === "admin") {
    if (connection.adminToken === null) {
      throw new Failure("no admin token: set TRAWL_ADMIN_TOKEN, or run this where trawl up keeps its .trawl folder");
    }
    return { authorization: `Bearer ${connection.adminToken}` };
  }
  if (connection.apiKey === null) {
    throw new Failure("no API key: set TRAWL_API_KEY, or run this where trawl up keeps its .trawl folder");
  }
  return { "x-api-key": connection.apiKey };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** undici says only "fetch failed"; its cause has the code. */
function reason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause instanceof Error && "code" in cause && typeof cause.code === "string") return cause.code;
  return errorText(cause ?? error);
}
