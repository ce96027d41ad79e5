/** dl_fields (library API 7.3). */
import { beforeAll, expect, it } from "vitest";
import { type Account, type Json, newAccount } from "../../support.ts";

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

it.each([
  [{ field: "title" }, "field", "Value error, Field must start with '--'.", "value_error"],
  [{ field: "--my title" }, "field", "Value error, Field must not contain spaces.", "value_error"],
  [{ field: 5 }, "field", "Value error, Field must be a string.", "value_error"],
  [{ field: undefined }, "field", "Field required", "missing"],
  [{ kind: "number" }, "kind", "Input should be 'string', 'text' or 'bool'", "enum"],
  [{ kind: null }, "kind", "Input should be 'string', 'text' or 'bool'", "enum"],
  [{ order: -1 }, "order", "Value error, Order must be >= 0.", "value_error"],
  [{ order: "x" }, "order", "Value error, Order must be an integer.", "value_error"],
  [{ extras: [] }, "extras", "Value error, Extras must be a dictionary.", "value_error"],
])("%j is refused", async (fields, field, msg, type) => {
  const answer = await account.api("POST", "/api/dl_fields", { name: "Title", field: "--title", ...fields });
  const body = { error: "Failed to validate dl field.", detail: [{ loc: [field], msg, type }] };
  expect([answer.status, answer.body]).toEqual([400, body]);
});

it("lists by order from low to high, then by name", async () => {
  for (const [name, order] of [
    ["b", 1],
    ["a", 1],
    ["last", 7],
    ["first", 0],
  ]) {
    await account.api("POST", "/api/dl_fields", { name, order, field: "--title" });
  }
  const { body } = await account.api<{ items: Json[] }>("GET", "/api/dl_fields");
  expect(body.items.map((item) => item.name)).toEqual(["first", "a", "b", "last"]);
});

it("keeps extras that nest 100 levels deep, and refuses deeper ones", async () => {
  const nested = (levels: number) => `{"a":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
  const post = (levels: number) =>
    account.api("POST", "/api/dl_fields", `{"name":"${levels}","field":"--a","extras":${nested(levels)}}`);
  const kept = await post(100);
  expect([kept.status, JSON.stringify(kept.body.extras)]).toEqual([200, nested(100)]);
  for (const levels of [101, 2_000]) {
    const msg = "Value error, Extras must nest at most 100 levels.";
    expect((await post(levels)).body.detail).toEqual([{ loc: ["extras"], msg, type: "value_error" }]);
  }
});

it("keeps everything that it is given", async () => {
  const field = { name: "Title", description: "d", field: "--title", kind: "bool", icon: "fa-solid fa-tag", order: 3 };
  const whole = { ...field, value: "true", extras: { a: [1, { b: null }], "\ud800": "\u0000" } };
  const made = await account.api("POST", "/api/dl_fields", whole);
  expect(made.body).toMatchObject({ ...field, value: "true", extras: { a: [1, { b: null }] } });
  expect((await account.api("GET", `/api/dl_fields/${made.body.id}`)).body).toEqual(made.body);
});
