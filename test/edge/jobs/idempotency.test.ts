import { expect, test } from "vitest";
import { newAccount, newKey, refusal, send } from "../support.ts";

const URL_A = "https://media.example.com/a";
const withKey = (key: string) => ({ "x-idempotency-key": key });

test("same key and body: 200 with the first body and `cached`; white space and key order do not matter", async () => {
  const account = await newAccount();
  const first = await account.api("POST", "/jobs", `{"url":"${URL_A}","folder":"x"}`, withKey("k1"));
  expect(first.status).toBe(201);
  const again = await account.api("POST", "/jobs", `{ "folder": "x", "url": "${URL_A}" }`, withKey("k1"));
  expect(again.status).toBe(200);
  expect(again.body).toEqual({ ...first.body, cached: true });
  expect((await account.api("GET", "/jobs")).body).toMatchObject({ total: 1 });
});

test.each([
  ["another body", "/jobs", { url: "https://media.example.com/b" }],
  ["another path", "/jobs/bulk", { jobs: [{ url: URL_A }] }],
])("same key, %s: 422", async (_, path, body) => {
  const account = await newAccount();
  await account.api("POST", "/jobs", { url: URL_A }, withKey("k1"));
  expect(refusal(await account.api("POST", path, body, withKey("k1")))).toEqual({
    status: 422,
    error: "Idempotency key was used with a different request",
  });
});

test("a failed request frees the key", async () => {
  const account = await newAccount({ limits: { max_queued: 1 } });
  const id = await account.createJob();
  const full = await account.api("POST", "/jobs", { url: URL_A }, withKey("k1"));
  expect(full.status).toBe(503);
  await account.api("DELETE", `/jobs/${id}`);
  expect((await account.api("POST", "/jobs", { url: "https://media.example.com/b" }, withKey("k1"))).status).toBe(201);
});

test("requests at the same time create once: one 201, the others a replay or 409 with `Retry-After`", async () => {
  const account = await newAccount();
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => account.api("POST", "/jobs", { url: URL_A }, withKey("k1"))),
  );
  expect(answers.filter((answer) => answer.status === 201)).toHaveLength(1);
  for (const answer of answers) {
    expect([200, 201, 409]).toContain(answer.status);
    if (answer.status !== 409) continue;
    expect(answer.body.error).toBe("A request with this idempotency key is still in progress");
    expect(answer.headers.get("retry-after")).toBe("1");
  }
  expect((await account.api("GET", "/jobs")).body).toMatchObject({ total: 1 });
});

test("keys are apart by API key", async () => {
  const account = await newAccount();
  await account.api("POST", "/jobs", { url: URL_A }, withKey("k1"));
  const other = await newKey(account.id);
  const made = await send("POST", "/jobs", { url: URL_A }, { "x-api-key": other.key, ...withKey("k1") });
  expect(made.status).toBe(201);
});

test.each([
  ["empty", ""],
  ["256 characters", "x".repeat(256)],
  ["not ASCII", "caf\u00e9"],
])("a key that is %s is refused", async (_, key) => {
  const account = await newAccount();
  const answer = await account.api("POST", "/jobs", { url: URL_A }, withKey(key));
  expect(answer.status).toBe(400);
  expect(answer.body.field).toBe("x-idempotency-key");
});
