/** Task definitions (library API 8.4). */
import { beforeAll, expect, it } from "vitest";
import { type Account, type Json, newAccount } from "../../support.ts";

const LINK = { type: "css", expression: "a" };
const DIRECT = { parse: { link: LINK } };
const WHOLE_LINK = { ...LINK, attribute: null, post_filter: null };
const path = "/api/tasks/definitions";
const make = (account: Account, body: Json = {}) =>
  account.api("POST", path, { name: "TD1", match_url: ["https://example.com/*"], definition: DIRECT, ...body });
const items = (more: Json) => ({
  definition: { parse: { items: { selector: "li", fields: { link: LINK }, ...more } } },
});
const parse = (more: Json) => ({ definition: { parse: more } });
const request = (more: Json) => ({ definition: { ...DIRECT, request: more } });

const VALUE = "value_error";
const PARSE = ["definition", "parse"];
const ITEMS = [...PARSE, "items"];
const LITERAL = "literal_error";
const ENGINE = ["definition", "engine", "type"];

/** With one definition: for what is refused, and changes nothing. */
let one: Account;
beforeAll(async () => {
  one = await newAccount();
  await make(one);
});

it.each<[Json, (string | number)[], string, string]>([
  [{ name: "" }, ["name"], "Name cannot be empty.", VALUE],
  [{ priority: -1 }, ["priority"], "Priority must be >= 0.", VALUE],
  [{ priority: "x" }, ["priority"], "Priority must be an integer.", VALUE],
  [{ match_url: undefined }, ["match_url"], "Field required", "missing"],
  [{ match_url: "https://example.com" }, ["match_url"], "match_url must be a list", VALUE],
  [{ match_url: [] }, ["match_url"], "List should have at least 1 item after validation, not 0", "too_short"],
  [{ match_url: ["a", " "] }, ["match_url"], "match_url items cannot be empty", VALUE],
  [{ match_url: [5] }, ["match_url"], "match_url items must be strings", VALUE],
  [
    { match_url: ["/(a/"] },
    ["match_url"],
    "Invalid regex pattern '(a': missing ), unterminated subpattern at position 0",
    VALUE,
  ],
  [{ enabled: "no" }, ["enabled"], "Enabled must be a boolean.", VALUE],
  [{ definition: undefined }, ["definition"], "Field required", "missing"],
  [{ definition: {} }, PARSE, "Field required", "missing"],
  [{ definition: [] }, ["definition"], "Definition must be a dictionary.", VALUE],
  [parse({}), PARSE, "Field 'parse' must contain either 'items' or direct parsers.", VALUE],
  [parse({ items: null, _x: LINK }), PARSE, "Field 'parse' must contain either 'items' or direct parsers.", VALUE],
  [parse({ title: LINK }), PARSE, "Missing required 'link' parser definition.", VALUE],
  [parse({ link: LINK, title: "h2" }), PARSE, "Parse field 'title' must be an object.", VALUE],
  [parse({ link: { expression: "a" } }), [...PARSE, "link", "type"], "Field required", "missing"],
  [parse({ link: { type: "css" } }), [...PARSE, "link", "expression"], "Field required", "missing"],
  [
    parse({ link: { ...LINK, type: "sql" } }),
    [...PARSE, "link", "type"],
    "Input should be 'css', 'xpath', 'regex' or 'jsonpath'",
    LITERAL,
  ],
  [
    parse({ link: { ...LINK, post_filter: { filter: "[" } } }),
    [...PARSE, "link", "post_filter", "filter"],
    "Invalid post_filter regex pattern: unterminated character set at position 0",
    VALUE,
  ],
  [items({ selector: null }), ITEMS, "Either 'selector' or 'expression' must be provided.", VALUE],
  [items({ fields: { title: LINK } }), ITEMS, "Container 'fields' must include a 'link' field.", VALUE],
  [items({ fields: undefined }), [...ITEMS, "fields"], "Field required", "missing"],
  [items({ fields: { link: 5 } }), [...ITEMS, "fields", "link"], "Parse field 'link' must be an object.", VALUE],
  [items({ type: "regex" }), [...ITEMS, "type"], "Input should be 'css', 'xpath' or 'jsonpath'", LITERAL],
  [
    { definition: { ...DIRECT, engine: { type: "selenium" } } },
    ENGINE,
    "Engine 'selenium' is not available on this server.",
    VALUE,
  ],
  [
    { definition: { ...DIRECT, engine: { type: "browser" } } },
    ENGINE,
    "Engine 'browser' is not available on this server.",
    VALUE,
  ],
  [
    { definition: { ...DIRECT, engine: { type: "curl" } } },
    ENGINE,
    "Input should be 'httpx', 'selenium' or 'browser'",
    LITERAL,
  ],
  [request({ method: "DELETE" }), ["definition", "request", "method"], "Input should be 'GET' or 'POST'", LITERAL],
  [request({ timeout: -1 }), ["definition", "request", "timeout"], "Timeout must be a number >= 0.", VALUE],
  [request({ url: "file:///etc" }), ["definition", "request", "url"], "URL must be an http or https URL.", VALUE],
  [
    request({ headers: { "X-A": "a\nb" } }),
    ["definition", "request", "headers", "X-A"],
    "Header value must be of Latin-1 characters, without line breaks.",
    VALUE,
  ],
  [
    { definition: { ...DIRECT, response: { type: "xml" } } },
    ["definition", "response", "type"],
    "Input should be 'html' or 'json'",
    LITERAL,
  ],
])("%j is refused", async (fields, loc, text, type) => {
  const detail = [{ loc, msg: type === VALUE ? `Value error, ${text}` : text, type }];
  const made = await make(one, { name: "TD2", ...fields });
  expect([made.status, made.body]).toEqual([400, { error: "Failed to validate task definition.", detail }]);
  if (Object.values(fields).includes(undefined)) return;
  const patched = await one.api("PATCH", `${path}/1`, fields);
  expect([patched.status, patched.body]).toEqual([400, { error: "Failed to validate task definition patch.", detail }]);
  const put = await one.api("PUT", `${path}/1`, fields);
  expect([put.status, put.body]).toEqual([400, { error: "Failed to validate task definition.", detail }]);
});

it.each([
  ["{", "Invalid JSON in request body."],
  ["[]", "Invalid request body; expected JSON object."],
])("the body %s is refused", async (body, error) => {
  for (const [method, at] of [
    ["POST", path],
    ["PATCH", `${path}/1`],
    ["PUT", `${path}/1`],
  ] as const) {
    const answer = await one.api(method, at, body);
    expect([answer.status, answer.body]).toEqual([400, { error }]);
  }
});

it("lists by priority from low to high, then by name, and without definitions unless they are asked for", async () => {
  const account = await newAccount();
  for (const [name, priority] of [
    ["b", 1],
    ["last", 7],
    ["a", 1],
    ["first", 0],
  ]) {
    await make(account, { name, priority });
  }
  const bare = await account.api<{ items: Json[] }>("GET", path);
  expect(bare.body.items.map((item) => item.name)).toEqual(["first", "a", "b", "last"]);
  expect(bare.body.items.filter((item) => "definition" in item)).toEqual([]);
  const whole = await account.api<{ items: Json[] }>("GET", `${path}?include=definition`);
  expect(whole.body.items.map((item) => item.definition)).toEqual(
    Array.from({ length: 4 }, () => expect.objectContaining({ parse: { items: null, link: WHOLE_LINK } })),
  );
});

it("PATCH replaces the definition whole, with its defaults; unknown keys of it are ignored", async () => {
  const account = await newAccount();
  await make(
    account,
    request({ method: "POST", headers: { "X-A": 1 }, params: { q: [1] }, data: { a: 1 }, timeout: 2.5 }),
  );
  expect((await account.api("GET", `${path}/1`)).body.definition).toMatchObject({
    request: { method: "POST", headers: { "X-A": "1" }, params: { q: [1] }, data: { a: 1 }, timeout: 2.5 },
  });
  const definition = { parse: { url: LINK, title: { type: "regex", expression: "x" } }, unknown: 1 };
  const { body } = await account.api("PATCH", `${path}/1`, { definition });
  expect(body.definition).toEqual({
    parse: { items: null, url: WHOLE_LINK, title: { ...WHOLE_LINK, type: "regex", expression: "x" } },
    engine: { type: "httpx", options: {} },
    request: { method: "GET", headers: {}, params: {}, data: null, json_data: null, timeout: null, url: null },
    response: { type: "html" },
  });
});

it("with items and direct parsers both stay; an expression alone is the selector too", async () => {
  const account = await newAccount();
  const container = { expression: "//li", type: "xpath", fields: { url: LINK } };
  const { body } = await make(account, parse({ items: container, link: LINK }));
  expect((body.definition as Json).parse).toEqual({
    items: { type: "xpath", selector: "//li", expression: "//li", fields: { url: WHOLE_LINK } },
    link: WHOLE_LINK,
  });
});

it("match_url takes regular expressions in Python's syntax, globs, and what only begins with a slash", async () => {
  const account = await newAccount();
  const patterns = ["/https?:\\/\\/(?P<host>[^/]+)\\/x/", "https://example.com/[ab]?/*", "//", "/a"];
  expect((await make(account, { match_url: patterns })).body.match_url).toEqual(patterns);
});
