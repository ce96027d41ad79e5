/** Notification targets (library API 7.5). */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { type Account, type Json, newAccount } from "../../support.ts";

const URL = "https://example.com/webhook";
const make = (account: Account, body: Json = {}) =>
  account.api("POST", "/api/notifications", { name: "My Webhook", request: { url: URL }, ...body });

/** For what is refused, and for targets under names of their own. */
let one: Account;
beforeAll(async () => {
  one = await newAccount();
});

it("GET /api/notifications/events names all events", async () => {
  expect((await one.api("GET", "/api/notifications/events")).body).toEqual({
    events: [
      ...["test", "item_added", "item_completed", "item_cancelled", "item_deleted", "item_paused", "item_resumed"],
      ...["item_moved", "paused", "resumed", "log_info", "log_success", "log_warning", "log_error", "task_dispatched"],
    ],
  });
});

it("answers hold every default; type and method are taken in any case", async () => {
  const account = await newAccount();
  expect((await make(account)).body).toEqual({
    ...{ id: 1, name: "My Webhook", on: [], presets: [], enabled: true },
    request: { type: "json", method: "POST", url: URL, headers: [], data_key: "data" },
  });
  const request = { type: "FORM", method: "put", url: ` ${URL} ` };
  expect((await make(account, { name: "other", request })).body.request).toMatchObject({
    ...{ type: "form", method: "PUT", url: URL },
  });
});

it.each([
  [{ request: undefined }, ["request"], "Field required", "missing"],
  [{ request: 5 }, ["request"], "Value error, Request must be a dictionary.", "value_error"],
  [{ request: {} }, ["request", "url"], "Field required", "missing"],
  [{ request: { url: URL, type: "xml" } }, ["request", "type"], "Input should be 'json' or 'form'", "enum"],
  [{ request: { url: URL, method: "GET" } }, ["request", "method"], "Input should be 'POST' or 'PUT'", "enum"],
  [{ request: { url: "" } }, ["request", "url"], "Value error, URL cannot be empty.", "value_error"],
  [{ request: { url: "http://" } }, ["request", "url"], "Value error, URL must be a valid URL.", "value_error"],
  [{ request: { url: "/hook" } }, ["request", "url"], "Value error, URL must have a scheme.", "value_error"],
  [
    { request: { url: URL, data_key: "" } },
    ["request", "data_key"],
    "Value error, Data key cannot be empty.",
    "value_error",
  ],
  [
    { request: { url: URL, headers: {} } },
    ["request", "headers"],
    "Value error, Headers must be a list.",
    "value_error",
  ],
  [{ request: { url: URL, headers: [{ key: "a" }] } }, ["request", "headers", 0, "value"], "Field required", "missing"],
  [
    {
      request: {
        url: URL,
        headers: [
          { key: "a", value: "b" },
          { key: "a b", value: "c" },
        ],
      },
    },
    ["request", "headers", 1, "key"],
    "Value error, Header key must be the name of a header.",
    "value_error",
  ],
  [
    { request: { url: URL, headers: [{ key: "a", value: "b\r\nInjected: 1" }] } },
    ["request", "headers", 0, "value"],
    "Value error, Header value must be of Latin-1 characters, without line breaks.",
    "value_error",
  ],
  [{ enabled: 1 }, ["enabled"], "Value error, Enabled must be a boolean.", "value_error"],
  [{ on: [5] }, ["on"], "Value error, On must be a list of strings.", "value_error"],
])("%j is refused", async (fields, loc, msg, type) => {
  const answer = await make(one, fields);
  const body = { error: "Failed to validate notification.", detail: [{ loc, msg, type }] };
  expect([answer.status, answer.body]).toEqual([400, body]);
});

describe("URLs of services", () => {
  it.each([
    "ntfy://my-topic",
    "ntfys://anna:secret@ntfy.example.com:8080/my-topic",
    "gotify://gotify.example.com/AbCdEf",
    "gotifys://gotify.example.com/AbCdEf",
    "discord://123456/token-of-it",
    "discord://123456/token-of-it/?avatar=no",
    "slack://T0/B0/xyz",
    "tgram://123456:ABC-def/-100200300",
  ])("%s is taken", async (url) => {
    const answer = await make(one, { name: url, request: { url } });
    expect([answer.status, (answer.body.request as Json).url]).toEqual([200, url]);
  });

  it.each([
    ["mailto://anna:secret@example.com", "Notification scheme 'mailto' is not supported."],
    ["MSTeams://a/b", "Notification scheme 'msteams' is not supported."],
    ["file:///etc/passwd", "Notification scheme 'file' is not supported."],
    ["constructor:x", "Notification scheme 'constructor' is not supported."],
    ["discord://123456", "URL must be of the form discord://<id>/<token>."],
    ["slack://T0/B0", "URL must be of the form slack://<A>/<B>/<C>."],
  ])("%s is refused", async (url, text) => {
    const answer = await make(one, { request: { url } });
    const detail = [{ loc: ["request", "url"], msg: `Value error, ${text}`, type: "value_error" }];
    expect([answer.status, answer.body]).toEqual([400, { error: "Failed to validate notification.", detail }]);
  });
});

describe("events and presets that do not exist", () => {
  it("are dropped beside ones that do; names of presets are compared as presets are named", async () => {
    const account = await newAccount();
    await account.api("POST", "/api/presets", { name: "own one" });
    const answer = await make(account, {
      on: ["zzz", "paused", " item_moved ", "paused"],
      presets: ["Own One", "nope", "DEFAULT"],
    });
    expect(answer.body).toMatchObject({ on: ["paused", "item_moved"], presets: ["own_one", "default"] });
  });

  it.each([
    [{ on: ["zzz"] }, "Invalid notification target. Invalid events 'zzz' found."],
    [{ on: ["a", "b"] }, "Invalid notification target. Invalid events 'a, b' found."],
    [{ presets: ["zzz"] }, "Invalid notification target. Invalid presets 'zzz' found."],
    [{ presets: "zzz" }, "Invalid notification target. Invalid presets 'zzz' found."],
  ])("%j and nothing else is refused, made or changed", async (fields, error) => {
    const account = await newAccount();
    await make(account);
    expect(await make(account, { name: "other", ...fields })).toMatchObject({ status: 400, body: { error } });
    for (const method of ["PATCH", "PUT"]) {
      const answer = await account.api(method, "/api/notifications/1", fields);
      expect([answer.status, answer.body]).toEqual([400, { error }]);
    }
  });

  it("a preset that has gone since does not stand in the way of another change", async () => {
    const account = await newAccount();
    await account.api("POST", "/api/presets", { name: "own" });
    await make(account, { presets: ["own"] });
    await account.api("DELETE", "/api/presets/9");
    expect((await account.api("PATCH", "/api/notifications/1", { enabled: false })).status).toBe(200);
  });
});

it("PATCH merges inside request, PUT replaces it", async () => {
  const account = await newAccount();
  const headers = [{ key: "Authorization", value: "Bearer token" }];
  await make(account, { request: { url: URL, type: "form", headers, data_key: "payload" } });
  const patched = await account.api("PATCH", "/api/notifications/1", { request: { method: "PUT", type: null } });
  expect(patched.body.request).toEqual({ type: "form", method: "PUT", url: URL, headers, data_key: "payload" });
  const put = await account.api("PUT", "/api/notifications/1", { request: { url: URL } });
  expect(put.body.request).toEqual({ type: "json", method: "POST", url: URL, headers: [], data_key: "data" });
  const without = await account.api("PUT", "/api/notifications/1", { request: { method: "PUT" } });
  expect(without.body.detail).toEqual([{ loc: ["request", "url"], msg: "Field required", type: "missing" }]);
});

it("neither header values nor addresses stand anywhere in clear", async () => {
  const account = await newAccount();
  const headers = [{ key: "X-Secret", value: "worth-a-lot" }];
  await make(account, { request: { url: "https://example.com/worth-much-too", headers } });
  await account.api("PATCH", "/api/notifications/1", { request: { data_key: "other" } });
  const row = await env.DB.prepare("SELECT * FROM library_features WHERE account_id = ?").bind(account.id).first();
  expect(JSON.stringify(row)).toContain("v1.k1.");
  expect(JSON.stringify(row)).not.toMatch(/worth/);
});
