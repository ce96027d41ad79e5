/** Bad values of the operator's bodies: 400 in our own words, with the field's name. */
import { beforeAll, expect, it } from "vitest";
import { admin, type Json, newAccount, refusal, send } from "../support.ts";

let accountId: string;
beforeAll(async () => {
  accountId = (await newAccount()).id;
});

it.each<[path: string, body: Json, error: string, field: string]>([
  ["keys", { limits: { max_queued: 0 } }, "limits.max_queued must be at least 1", "limits.max_queued"],
  ["keys", { limits: { rate_per_second: -1 } }, "limits.rate_per_second must be at least 0", "limits.rate_per_second"],
  ["keys", { scopes: [] }, "scopes must not be empty", "scopes"],
  [
    ...(["keys", { expires_at: 1_795_624_849 }] as const),
    "expires_at must be in milliseconds since 1970, not in seconds",
    "expires_at",
  ],
  ["enrolments", { uses: 0 }, "uses must be at least 1", "uses"],
  ["enrolments", { uses: 10_001 }, "uses must be at most 10000", "uses"],
  ["enrolments", { account_id: "123" }, "account_id must be a valid UUID", "account_id"],
  ["enrolments", { tags: Array.from({ length: 17 }, () => "a=b") }, "tags must have at most 16 items", "tags"],
  ["enrolments", { tags: [`a=${"b".repeat(63)}`] }, "tags[0] must have at most 64 characters", "tags[0]"],
])("%s %j: %s", async (route, body, error, field) => {
  const path = route === "keys" ? `/admin/accounts/${accountId}/keys` : "/admin/enrolments";
  expect(refusal(await admin("POST", path, body))).toEqual({ status: 400, error, field });
});

it("a key's rate of 0 is no bucket at all: no figures on its answers", async () => {
  const made = await admin("POST", `/admin/accounts/${accountId}/keys`, { limits: { rate_per_second: 0 } });
  expect(made.status).toBe(201);
  const answer = await send("GET", "/jobs", undefined, { "x-api-key": String(made.body.key) });
  expect([answer.status, answer.headers.has("ratelimit"), answer.headers.has("ratelimit-policy")]).toEqual([
    ...[200, false, false],
  ]);
});
