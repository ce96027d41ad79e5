/** Tasks (library API 8.1). */
import { beforeAll, describe, expect, it } from "vitest";
import { type Account, type Json, newAccount } from "../../support.ts";

const URL = "https://www.youtube.com/channel/UCabcdefghijklmnopqrstuv";
const post = <Body = Json>(account: Account, body: unknown) => account.api<Body>("POST", "/api/tasks", body);

/** With one task: for what is refused, and changes nothing. */
let one: Account;
beforeAll(async () => {
  one = await newAccount();
  await post(one, { name: "one", url: URL });
});

it.each([
  [[], "Invalid request body. Expecting dict or list of dicts."],
  [7, "Invalid request body. Expecting dict or list of dicts."],
  [null, "Invalid request body. Expecting dict or list of dicts."],
  ["{", "Invalid JSON."],
  [{}, "First item requires 'url' field."],
  [{ url: "", name: "a" }, "First item requires 'url' field."],
  [["x"], "First item requires 'url' field."],
  [[{ name: "a" }, { url: URL }], "First item requires 'url' field."],
  [{ url: URL }, "First item requires 'name' field."],
  [{ url: URL, name: "" }, "First item requires 'name' field."],
])("the body %j is refused", async (body, error) => {
  const answer = await post(one, body === "{" ? "{" : JSON.stringify(body));
  expect([answer.status, answer.body]).toEqual([400, { error }]);
});

const BAD: [Json, string, string][] = [
  [{ url: "ftp://example.com/" }, "url", "Invalid URL format: Invalid scheme usage. Only HTTP or HTTPS allowed."],
  [{ url: "nope" }, "url", "Invalid URL format: Invalid scheme usage. Only HTTP or HTTPS allowed."],
  [{ url: "http://" }, "url", "Invalid URL format: Invalid hostname."],
  [{ url: 5 }, "url", "URL must be a string."],
  [{ timer: "* * * *" }, "timer", "Invalid timer format: Wrong number of fields"],
  [{ timer: "* * * * * *" }, "timer", "Invalid timer format: Wrong number of fields"],
  [{ timer: "@daily" }, "timer", "Invalid timer format: Wrong number of fields"],
  [{ timer: 5 }, "timer", "Timer must be a string."],
  [{ enabled: "yes" }, "enabled", "Enabled must be a boolean."],
  [{ auto_start: 1 }, "auto_start", "Auto start must be a boolean."],
  [{ handler_enabled: null }, "handler_enabled", "Handler enabled must be a boolean."],
];

it.each(BAD)("%j is refused on POST, PATCH and PUT", async (fields, field, text) => {
  const detail = [{ loc: [field], msg: `Value error, ${text}`, type: "value_error" }];
  const made = await post(one, { name: "two", url: URL, ...fields });
  expect([made.status, made.body]).toEqual([400, { error: "Failed to validate first task.", detail }]);
  for (const method of ["PATCH", "PUT"]) {
    const changed = await one.api(method, "/api/tasks/1", fields);
    expect([changed.status, changed.body]).toEqual([400, { error: "Failed to validate task.", detail }]);
  }
});

it("a timer whose fields hold no cron expression is told of with the reason", async () => {
  const { body } = await post<{ detail: Json[] }>(one, { name: "two", url: URL, timer: "61 * * * *" });
  expect(body.detail).toMatchObject([
    { loc: ["timer"], msg: expect.stringMatching(/^Value error, Invalid timer format: \S/) },
  ]);
});

it("an empty timer is none, and a private host is taken: what it leads to is asked when the task runs", async () => {
  const account = await newAccount();
  const { body } = await post(account, { name: "one", url: "http://192.168.1.1/feed.rss", timer: "  " });
  expect(body).toMatchObject({ timer: "", url: "http://192.168.1.1/feed.rss" });
});

it("times rise with a change, and only the second one", async () => {
  const account = await newAccount();
  const { body: made } = await post(account, { name: "one", url: URL });
  const { body: changed } = await account.api("PATCH", "/api/tasks/1", { enabled: false });
  expect(changed.created_at).toBe(made.created_at);
  expect(String(changed.updated_at) >= String(made.updated_at)).toBe(true);
});

describe("a list", () => {
  const first = { name: "First", url: URL, timer: "50 22 * * *", preset: "720p", folder: "talks", cli: "--write-subs" };

  it("gives later tasks what they lack of the first one, names of their own, and timers five minutes apart", async () => {
    const account = await newAccount();
    const { body, status } = await post<Json[]>(account, [
      first,
      { url: `${URL}/1` },
      { url: `${URL}/2`, name: "Third", preset: "mobile", folder: null, timer: "", enabled: false },
      { url: `${URL}/3`, timer: "0 0 1 * *", cli: "" },
    ]);
    expect(status).toBe(200);
    const common = { preset: "720p", folder: "talks", cli: "--write-subs", enabled: true };
    expect(body).toMatchObject([
      { id: 1, ...first, ...common },
      { id: 2, name: "task-1", url: `${URL}/1`, timer: "55 22 * * *", ...common },
      { id: 3, name: "Third", timer: "0 23 * * *", ...common, preset: "mobile", enabled: false },
      { id: 4, name: "task-3", timer: "0 0 1 * *", ...common, cli: "" },
    ]);
  });

  it.each([
    ["5 */2 * * *", ["10 */2 * * *", "15 */2 * * *"]],
    ["58 23 1 * *", ["3 0 1 * *", "8 0 1 * *"]],
    ["58 * * * 1", ["3 * * * 1", "8 * * * 1"]],
    ["*/7 3 * * *", ["*/7 3 * * *", "*/7 3 * * *"]],
    ["", ["", ""]],
  ])("moves the timer %j on to %j", async (timer, later) => {
    const account = await newAccount();
    const { body } = await post<Json[]>(account, [{ ...first, timer }, { url: `${URL}/1` }, { url: `${URL}/2` }]);
    expect(body.slice(1).map((task) => task.timer)).toEqual(later);
  });

  it("skips what is no object, has no url or is not valid, and still counts it", async () => {
    const account = await newAccount();
    const { body } = await post<Json[]>(account, [
      first,
      "x",
      { name: "no url" },
      { url: "ftp://example.com/" },
      { url: `${URL}/4`, timer: "x" },
      { url: `${URL}/5` },
    ]);
    expect(body).toMatchObject([{ id: 1 }, { id: 2, name: "task-5", timer: "15 23 * * *" }]);
  });

  it("of which one is left answers an object", async () => {
    const account = await newAccount();
    expect((await post(account, [first, {}])).body).toMatchObject({ id: 1, name: "First" });
  });

  it("gives a name that is taken a number, by rows that were there and by its own", async () => {
    const account = await newAccount();
    await post(account, { ...first, name: "task-1" });
    const { body } = await post<Json[]>(account, [
      first,
      { url: URL },
      { url: URL, name: "First" },
      { url: URL, name: "First" },
    ]);
    expect(body.map((task) => task.name)).toEqual(["First", "task-1-1", "First-1", "First-2"]);
  });

  it("whose first name is taken makes nothing", async () => {
    const account = await newAccount();
    await post(account, first);
    const answer = await post(account, [first, { url: `${URL}/1` }]);
    expect([answer.status, answer.body]).toEqual([409, { error: "Task with name 'First' already exists." }]);
    expect((await account.api<{ items: Json[] }>("GET", "/api/tasks")).body.items).toHaveLength(1);
  });

  it("takes 1,000 tasks, and not one more", async () => {
    const account = await newAccount();
    const list = (length: number) => [first, ...Array.from({ length: length - 1 }, () => ({ url: URL }))];
    const refused = await post(account, list(1_001));
    expect([refused.status, refused.body]).toEqual([400, { error: "Too many items (max 1000)." }]);
    expect((await post<Json[]>(account, list(1_000))).body).toHaveLength(1_000);
    const more = await post<Json>(
      account,
      list(1_000).map((task, n) => (n === 0 ? { ...task, name: "again" } : task)),
    );
    expect(more.status).toBe(200);
    const full = await post(account, { ...first, name: "one too many" });
    expect([full.status, full.body]).toEqual([400, { error: "Too many tasks (max 2000)." }]);
  });

  it("may not become more by what it takes after the first than a body may hold", async () => {
    const account = await newAccount();
    const list = [{ ...first, template: "x".repeat(20_000) }, ...Array.from({ length: 100 }, () => ({ url: URL }))];
    const answer = await post(account, list);
    expect([answer.status, answer.body]).toEqual([413, { error: "Request body is too large (max 1 MiB)." }]);
    expect((await account.api<{ items: Json[] }>("GET", "/api/tasks")).body.items).toEqual([]);
  });
});
