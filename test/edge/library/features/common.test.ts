/** What all features of the library API have in common (sections 1.3, 1.4, 7.1 there). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { type Account, type Answer, call, type Json, newAccount, textOf } from "../../support.ts";
import { KINDS, type Kind } from "./kinds.ts";

const titled = KINDS.map((kind) => ({ title: kind.path, kind }));

interface List {
  items: Json[];
  pagination: Json;
}

async function make(account: Account, kind: Kind, name: string, more: Json = {}): Promise<Json> {
  const answer = await account.api("POST", kind.path, { name, ...kind.body, ...more });
  expect(answer.status, JSON.stringify(answer.body)).toBe(kind.created);
  return answer.body;
}

const told = (answer: Answer) => [answer.status, answer.body];

describe.each(titled)("$title", ({ kind }) => {
  const own = (list: Answer<List>) => list.body.items.filter((item) => item.default !== true);

  it("POST answers the whole object, with all defaults, in the documented order", async () => {
    const account = await newAccount();
    const made = await make(account, kind, "one");
    expect(made).toEqual({ id: kind.firstId, name: "one", ...kind.answer });
    expect(Object.keys(made)).toEqual(["id", "name", ...Object.keys(kind.answer)]);
    expect((await account.api("GET", `${kind.path}/${kind.firstId}`)).body).toEqual(made);
  });

  it("ids rise by one, for a refused name too, and none comes back after a DELETE", async () => {
    const account = await newAccount();
    await make(account, kind, "one");
    await account.api("POST", kind.path, { name: "one", ...kind.body });
    expect((await make(account, kind, "two")).id).toBe(kind.firstId + 1);
    await account.api("DELETE", `${kind.path}/${kind.firstId + 1}`);
    expect((await make(account, kind, "two")).id).toBe(kind.firstId + 2);
  });

  it("a name that is taken is refused by its status; the same name stays one's own", async () => {
    const account = await newAccount();
    const one = await make(account, kind, "one");
    const two = await make(account, kind, "two");
    const error = kind.taken("one");
    expect(told(await account.api("POST", kind.path, { name: "one", ...kind.body }))).toEqual([
      kind.takenStatus.create,
      { error },
    ]);
    for (const method of ["PATCH", "PUT"]) {
      const answer = await account.api(method, `${kind.path}/${two.id}`, { name: "one" });
      expect(told(answer)).toEqual([kind.takenStatus.change, { error }]);
      expect((await account.api(method, `${kind.path}/${one.id}`, { name: "one" })).status).toBe(200);
    }
    expect((await account.api("GET", `${kind.path}/${two.id}`)).body).toMatchObject({ name: "two" });
  });

  it("of writers that take one name at once exactly one wins: created, or renamed to", async () => {
    const account = await newAccount();
    const ids = await Promise.all(["a", "b", "c"].map(async (name) => (await make(account, kind, name)).id));
    const answers = await Promise.all([
      ...[1, 2, 3].map(() => account.api("POST", kind.path, { name: "mine", ...kind.body })),
      ...ids.map((id) => account.api("PATCH", `${kind.path}/${id}`, { name: "mine" })),
    ]);
    const won = answers.filter((answer) => answer.status < 400);
    expect(won.length, JSON.stringify(answers)).toBe(1);
    for (const lost of answers.filter((answer) => answer.status >= 400)) {
      expect(lost.body).toEqual({ error: kind.taken("mine") });
    }
    const list = await account.api<List>("GET", `${kind.path}?include=definition`);
    expect(own(list).filter((item) => item.name === "mine")).toEqual([won[0]?.body]);
  });

  it("PATCH and PUT change what is sent and keep what is not; changes of two fields at once both stay", async () => {
    const account = await newAccount();
    const made = await make(account, kind, "one");
    const path = `${kind.path}/${made.id}`;
    for (const [method, name] of [
      ["PATCH", "renamed"],
      ["PUT", "again"],
    ] as const) {
      const [changed, renamed] = await Promise.all([
        account.api(method, path, { ...kind.change, id: 77, unknown: 1 }),
        account.api(method, path, { name }),
      ]);
      expect([changed.status, renamed.status]).toEqual([200, 200]);
      const now = await account.api("GET", path);
      expect(now.body).toMatchObject({ ...made, ...kind.change, ...times(now.body), name });
    }
  });

  it("DELETE answers what was there, and then nothing is", async () => {
    const account = await newAccount();
    const made = await make(account, kind, "one");
    const path = `${kind.path}/${made.id}`;
    expect(told(await account.api("DELETE", path))).toEqual([200, made]);
    const id = Number(made.id);
    for (const method of ["GET", "PATCH", "PUT"]) {
      const body = method === "GET" ? undefined : "no JSON";
      expect(told(await account.api(method, path, body))).toEqual([404, { error: kind.notFound(id) }]);
    }
    expect(told(await account.api("DELETE", path))).toEqual([404, { error: kind.notFoundOnDelete(id) }]);
  });

  it("an id that is not all digits is an unknown path, one past every number an unknown id", async () => {
    const account = await newAccount();
    for (const id of ["abc", "1a", "-1", "1.5"]) {
      const response = await call(`${kind.path}/${id}`, { method: "PATCH", headers: { "x-api-key": account.key } });
      expect([response.status, await textOf(response)], id).toEqual([404, "404: Not Found"]);
    }
    const far = await account.api("GET", `${kind.path}/${"9".repeat(30)}`);
    expect(far.status).toBe(404);
  });

  it("lists by name in pages, clamps to the last one, and refuses pages that are none", async () => {
    const account = await newAccount();
    const names = ["é", "b", "a", "B", "\u{1f600}", "\uffee"];
    for (const name of names) await account.api("POST", kind.path, { name, ...kind.body });
    const all = await account.api<List>("GET", kind.path);
    const total = all.body.items.length;
    expect(all.body.pagination).toEqual({
      ...{ page: 1, per_page: 50, total, total_pages: 1, has_next: false, has_prev: false },
    });
    const paged: Json[] = [];
    for (let page = 1; page <= Math.ceil(total / 2); page++) {
      const { body } = await account.api<List>("GET", `${kind.path}?page=${page}&per_page=2`);
      paged.push(...body.items);
    }
    expect(paged).toEqual(all.body.items);
    const last = await account.api<List>("GET", `${kind.path}?page=99&per_page=2`);
    expect(last.body.pagination).toMatchObject({ page: Math.ceil(total / 2), has_next: false, has_prev: true });
    for (const [query, error] of [
      ["page=x", "page and per_page must be valid integers."],
      ["page=0", "page must be >= 1."],
      ["per_page=1001", "per_page must be between 1 and 1000."],
    ]) {
      expect(told(await account.api("GET", `${kind.path}?${query}`))).toEqual([400, { error }]);
    }
  });

  it("names are needed: missing, of another type, empty, too long", async () => {
    const account = await newAccount();
    const single = kind.path === "/api/tasks" ? "first task" : kind.what;
    const error = `Failed to validate ${single}.`;
    const refused = async (body: Json) => (await account.api("POST", kind.path, { ...kind.body, ...body })).body;
    const value = (msg: string) => ({ loc: ["name"], msg: `Value error, ${msg}`, type: "value_error" });
    const missing = { error, detail: [{ loc: ["name"], msg: "Field required", type: "missing" }] };
    expect(await refused({})).toEqual(
      kind.path === "/api/tasks" ? { error: "First item requires 'name' field." } : missing,
    );
    expect(await refused({ name: "  " })).toEqual({ error, detail: [value("Name cannot be empty.")] });
    expect((await refused({ name: 5 })).detail).toEqual([value("Name must be a string.")]);
    expect((await refused({ name: "x".repeat(256) })).detail).toEqual([value("Name must be at most 255 characters.")]);
  });

  it("another account sees, changes and removes nothing of it, and has the same names and ids for itself", async () => {
    const [account, other] = [await newAccount(), await newAccount()];
    const mine = await make(account, kind, "one");
    const path = `${kind.path}/${mine.id}`;
    expect(own(await other.api<List>("GET", kind.path))).toEqual([]);
    expect((await other.api("GET", path)).status).toBe(404);
    expect((await other.api("PATCH", path, kind.change)).status).toBe(404);
    expect((await other.api("DELETE", path)).status).toBe(404);
    expect(await make(other, kind, "one")).toEqual({ id: mine.id, name: "one", ...kind.answer });
    expect((await account.api("GET", path)).body).toEqual(mine);
  });

  it("what is no secret stands in the row in clear, and what is one does not", async () => {
    const account = await newAccount();
    await make(account, kind, "one");
    const { results } = await env.DB.prepare("SELECT * FROM library_features WHERE account_id = ?")
      .bind(account.id)
      .all<{ sealed: string | null }>();
    expect(JSON.stringify(results)).toContain('"name":"one"');
    for (const secret of ["--write-subs", "Bearer token"]) expect(JSON.stringify(results)).not.toContain(secret);
  });
});

/** Of kinds that tell when: no two answers have the same. */
function times(body: Json): Json {
  return Object.fromEntries(Object.entries(body).filter(([key]) => key.endsWith("_at")));
}
