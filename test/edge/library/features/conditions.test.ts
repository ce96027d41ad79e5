/** Conditions (library API 7.4). */
import { beforeAll, expect, it } from "vitest";
import { type Account, type Json, newAccount } from "../../support.ts";

const make = (account: Account, body: Json) =>
  account.api("POST", "/api/conditions", { name: "one", filter: "duration > 600", cli: "--write-subs", ...body });

let one: Account;
beforeAll(async () => {
  one = await newAccount();
});

it.each([
  [{ cli: "" }, [], "Either cli or extras must be set."],
  [{ cli: undefined, extras: {} }, [], "Either cli or extras must be set."],
  [{ filter: "" }, ["filter"], "Invalid filter. 'Expected ATOM'."],
  [{ filter: "a &" }, ["filter"], "Invalid filter. 'Expected ATOM'."],
  [{ filter: "(a" }, ["filter"], "Invalid filter. 'Expected RPAREN'."],
  [{ filter: "uploader = BBC News" }, ["filter"], "Invalid filter. 'Unexpected token 'News''."],
  [{ filter: "a='x" }, ["filter"], "Invalid filter. 'Unterminated quoted string in filter expression'."],
  [{ filter: 5 }, ["filter"], "Filter must be a string."],
  [{ enabled: 1 }, ["enabled"], "Enabled must be a boolean."],
  [{ enabled: null }, ["enabled"], "Enabled must be a boolean."],
  [{ priority: -1 }, ["priority"], "Priority must be >= 0."],
  [{ extras: "x" }, ["extras"], "Extras must be a dictionary."],
])("%j is refused", async (fields, loc, text) => {
  const answer = await make(one, fields);
  const detail = [{ loc, msg: `Value error, ${text}`, type: "value_error" }];
  expect([answer.status, answer.body]).toEqual([400, { error: "Failed to validate condition.", detail }]);
});

it.each(["Duration>1", "'x'", "title*=60", "duration"])("%s is saved: it can be read", async (filter) => {
  expect(await make(one, { filter, name: filter })).toMatchObject({ status: 200, body: { filter } });
});

it("a change may not take both cli and extras away, and may take one", async () => {
  const account = await newAccount();
  await make(account, {});
  const refused = await account.api("PATCH", "/api/conditions/1", { cli: "" });
  expect([refused.status, refused.body.detail]).toEqual([
    400,
    [{ loc: [], msg: "Value error, Either cli or extras must be set.", type: "value_error" }],
  ]);
  const extras = { ignore_download: true };
  expect(await account.api("PATCH", "/api/conditions/1", { cli: "", extras })).toMatchObject({
    status: 200,
    body: { cli: "", extras },
  });
});

it("lists by priority from high to low, then by name", async () => {
  const account = await newAccount();
  for (const [name, priority] of [
    ["b", 1],
    ["last", 0],
    ["a", 1],
    ["first", 7],
  ]) {
    await make(account, { name, priority });
  }
  const { body } = await account.api<{ items: Json[] }>("GET", "/api/conditions");
  expect(body.items.map((item) => item.name)).toEqual(["first", "a", "b", "last"]);
});
