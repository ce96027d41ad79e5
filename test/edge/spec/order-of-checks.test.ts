/**
 * "Order of checks (decided): route, key, scope, rate, body size, JSON and field rules, path id, idempotency, state, quota,
 * queue admission, storage probe, expansion" (jobs API 1.2). One case a pair of neighbours: a request that breaks both
 * rules hears of the first.
 */
import { expect, test } from "vitest";
import { answeringNode, wellInformed } from "../answering-node.ts";
import { type Account, type Answer, call, type Json, newAccount, newKey, refusal, send } from "../support.ts";

const URL = "https://media.example.com/v1";
const LIST = "https://www.youtube.com/playlist?list=l1";
const UNKNOWN = "01a2310c-0100-726b-b2a7-4de452e6b438";
const TOO_LARGE = " ".repeat(1_048_577);
const USED = { "x-idempotency-key": "used" };

/** A key with an empty bucket. */
async function spentKey(account: Account): Promise<string> {
  const { key } = await newKey(account.id, { limits: { rate_per_second: 1 } });
  for (let n = 0; n < 2; n++) await send("GET", "/usage", undefined, { "x-api-key": key });
  return key;
}

/** An account that has reached its quota, without room in its queue, with one job that is completed. */
async function fullAccount(): Promise<{ account: Account; completed: string }> {
  const account = await newAccount({ limits: { storage_limit_bytes: 1, max_queued: 1 } });
  const { node, close } = await answeringNode(account, wellInformed);
  const completed = await account.createJob();
  const taken = await node.take();
  await account.createJob();
  await node.deliver(taken, "b");
  close();
  // Its stream closes with its end.
  await (await call(`/jobs/${completed}/events`, { headers: { "x-api-key": account.key } })).text();
  return { account, completed };
}

/** An account whose queue has no room, with one pending and one cancelled job. */
async function crowdedAccount(): Promise<{ account: Account; cancelled: string }> {
  const account = await newAccount({ limits: { max_queued: 1 } });
  const cancelled = await account.createJob();
  await account.api("DELETE", `/jobs/${cancelled}`);
  await account.createJob();
  return { account, cancelled };
}

interface Case {
  pair: string;
  ask(): Promise<Answer>;
  hears: Json;
}

const CASES: Case[] = [
  {
    pair: "route before key",
    ask: () => send("PUT", "/jobs"),
    hears: { status: 405, error: "Method not allowed" },
  },
  {
    pair: "key before scope",
    ask: () => send("POST", "/jobs", { url: URL }, { "x-api-key": "sk_nobody_has_this_key" }),
    hears: { status: 401, error: "Invalid API Key" },
  },
  {
    pair: "scope before rate",
    ask: async () => {
      const account = await newAccount();
      const { key } = await newKey(account.id, { scopes: ["usage:read"], limits: { rate_per_second: 1 } });
      for (let n = 0; n < 2; n++) await send("GET", "/usage", undefined, { "x-api-key": key });
      return send("POST", "/jobs", { url: URL }, { "x-api-key": key });
    },
    hears: { status: 403, error: "This key lacks the scope 'jobs:write'" },
  },
  {
    pair: "rate before body size",
    ask: async () => send("POST", "/jobs", TOO_LARGE, { "x-api-key": await spentKey(await newAccount()) }),
    hears: { status: 429, error: "Too many requests" },
  },
  {
    pair: "body size before JSON",
    ask: async () => (await newAccount()).api("POST", "/jobs", `{${TOO_LARGE}`),
    hears: { status: 413, error: "Request body is too large (max 1 MiB)" },
  },
  {
    pair: "JSON before path id",
    ask: async () => (await newAccount()).api("POST", `/jobs/${UNKNOWN}/retry`, "{"),
    hears: { status: 400, error: "Invalid JSON body" },
  },
  {
    pair: "field rules before path id",
    ask: async () => (await newAccount()).api("PATCH", `/batch/${UNKNOWN}/jobs`, {}),
    hears: { status: 400, error: "renames is required", field: "renames" },
  },
  {
    pair: "path id before idempotency",
    ask: async () => {
      const account = await newAccount();
      await account.api("POST", "/jobs", { url: URL }, USED);
      return account.api("POST", `/jobs/${UNKNOWN}/retry`, undefined, USED);
    },
    hears: { status: 404, error: "Job not found" },
  },
  {
    pair: "idempotency before state",
    ask: async () => {
      const account = await newAccount();
      const made = await account.api("POST", "/jobs", { url: URL }, USED);
      return account.api("POST", `/jobs/${made.body.job_id}/retry`, undefined, USED);
    },
    hears: { status: 422, error: "Idempotency key was used with a different request" },
  },
  {
    pair: "state before quota",
    ask: async () => {
      const { account, completed } = await fullAccount();
      return account.api("POST", `/jobs/${completed}/retry`);
    },
    hears: { status: 400, error: "Only failed jobs can be retried" },
  },
  {
    pair: "state before queue admission",
    ask: async () => {
      const account = await newAccount({ limits: { max_queued: 1 } });
      return account.api("POST", `/jobs/${await account.createJob()}/retry`);
    },
    hears: { status: 400, error: "Only failed jobs can be retried" },
  },
  {
    pair: "quota before queue admission",
    ask: async () => {
      const { account } = await fullAccount();
      return account.api("POST", "/jobs", { url: URL });
    },
    hears: { status: 403, error: "Storage quota exceeded" },
  },
  {
    pair: "quota before expansion",
    ask: async () => (await fullAccount()).account.api("POST", "/jobs", { url: LIST }),
    hears: { status: 403, error: "Storage quota exceeded" },
  },
  {
    pair: "queue admission before expansion",
    ask: async () => (await crowdedAccount()).account.api("POST", "/jobs", { url: LIST }),
    hears: { status: 503, error: "Queue is full" },
  },
  {
    pair: "expansion is the last: nobody is there to ask",
    ask: async () => (await newAccount()).api("POST", "/jobs", { url: LIST }),
    hears: { status: 503, error: "No worker node is online" },
  },
];

test.each(CASES)("$pair", async ({ ask, hears }) => {
  expect(refusal(await ask())).toEqual(hears);
});

test("a replay asks neither the quota nor the queue", async () => {
  const { account, cancelled } = await crowdedAccount();
  const retry = () => account.api("POST", `/jobs/${cancelled}/retry`, undefined, USED);
  expect(refusal(await retry())).toEqual({ status: 503, error: "Queue is full" });
  const { jobs } = (await account.api<{ jobs: { id: string }[] }>("GET", "/jobs?status=pending")).body;
  await account.api("DELETE", `/jobs/${jobs[0]?.id}`);
  const first = await retry();
  expect(first.status).toBe(201);
  const again = await retry();
  expect([again.status, again.body]).toEqual([200, { ...first.body, cached: true }]);
});

test("503 for a full queue says to come back in 30 s, for no node in 5 s", async () => {
  const full = await (await crowdedAccount()).account.api("POST", "/jobs", { url: URL });
  expect([full.status, full.headers.get("retry-after")]).toEqual([503, "30"]);
  const alone = await (await newAccount()).api("POST", "/metadata", { url: URL });
  expect([alone.status, alone.headers.get("retry-after")]).toEqual([503, "5"]);
});
