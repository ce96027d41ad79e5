/** Credentials of the library API (section 1.2): where they are looked for, how they are read, what they may do. */
import { beforeAll, describe, expect, it } from "vitest";
import { LIBRARY_ENDPOINTS } from "../../../edge/routes/library/endpoints.ts";
import { type Account, admin, newAccount, newKey } from "../support.ts";
import { ask, base64, basic, said, setUser, type User, unpadded, urlSafe } from "./support.ts";

const PING = "/api/ping";
const GOOD = [200, { status: "pong" }];
const INVALID = [401, { error: "Unauthorized (Invalid credentials)." }];
const MISSING = [401, { error: "Authorization Required." }];
const CHALLENGE = 'Basic realm="Authorization Required."';

let account: Account;
let user: User;
beforeAll(async () => {
  account = await newAccount();
  user = await setUser(account);
});

type Place = { query?: string; headers?: Record<string, string> };
const ping = ({ query = "", headers = {} }: Place) => ask(PING + query, { headers });
const query = (value: string) => ({ query: `?apikey=${value}` });

describe("a credential is taken from", () => {
  // Its base64 has both characters that the alphabets differ in, and padding.
  const pair = () => {
    const text = base64(`~?~>:${account.key}`);
    expect(text).toMatch(/[+/]/);
    return text;
  };
  it.each<[string, () => Place]>([
    ["x-api-key", () => ({ headers: { "x-api-key": account.key } })],
    ["Bearer", () => ({ headers: { authorization: `Bearer ${account.key}` } })],
    ["bearer in small letters", () => ({ headers: { authorization: `bearer  ${account.key}` } })],
    ["Basic with a key, whatever the user name", () => ({ headers: basic(`anyone:${account.key}`) })],
    ["Basic with a key and no user name", () => ({ headers: basic(`:${account.key}`) })],
    ["Basic in the url-safe alphabet", () => ({ headers: { authorization: `Basic ${urlSafe(pair())}` } })],
    ["Basic without padding", () => ({ headers: { authorization: `Basic ${unpadded(pair())}` } })],
    ["Basic with both", () => ({ headers: { authorization: `Basic ${unpadded(urlSafe(pair()))}` } })],
    ["Basic with the account's own name and password", () => ({ headers: basic(`${user.name}:${user.password}`) })],
    ["?apikey= as standard base64, escaped", () => query(encodeURIComponent(pair()))],
    ["?apikey= as standard base64, where a plus arrives as a space", () => query(pair())],
    ["?apikey= in the url-safe alphabet", () => query(urlSafe(pair()))],
    ["?apikey= without padding", () => query(unpadded(pair()))],
    ["?apikey= with both", () => query(unpadded(urlSafe(pair())))],
    ["?apikey= with name and password", () => query(encodeURIComponent(base64(`${user.name}:${user.password}`)))],
    ["?apikey= as a raw key", () => query(account.key)],
  ])("%s", async (_, place) => {
    expect(await said(await ping(place()))).toEqual(GOOD);
  });

  it("?apikey= as a raw key that could be base64 of a pair", async () => {
    // `sk_` and what follows decode to bytes that are no UTF-8; a key whose first characters differ would be ASCII.
    const key = `sk_${unpadded(urlSafe(base64(`:${crypto.randomUUID()}:`)))}`;
    await newKey(account.id, { key });
    expect(await said(await ping(query(key)))).toEqual(GOOD);
  });

  it("a raw key in ?apikey= with a plus sign in it", async () => {
    const key = `sk_plus+plus+${crypto.randomUUID()}`;
    await newKey(account.id, { key });
    expect(await said(await ping(query(key)))).toEqual(GOOD);
  });
});

describe("the first credential decides", () => {
  const good = () => account.key;
  it.each<[string, () => Place]>([
    ["x-api-key before Authorization", () => ({ headers: { "x-api-key": "sk_no", ...basic(`a:${good()}`) } })],
    ["Authorization before ?apikey=", () => ({ headers: basic("a:sk_no"), query: `?apikey=${good()}` })],
    ["an undecodable one too", () => ({ headers: { authorization: "Basic ?" }, query: `?apikey=${good()}` })],
    ["?apikey= before the cookie", () => ({ query: "?apikey=sk_no", headers: { cookie: "auth=x.y" } })],
  ])("%s", async (_, place) => {
    expect(await said(await ping(place()))).toEqual(INVALID);
  });

  it("an empty one is none", async () => {
    const place = { headers: { "x-api-key": "", authorization: "", cookie: "auth=; other=1" }, query: "?apikey=" };
    expect(await said(await ping(place))).toEqual(MISSING);
    expect(await said(await ping({ ...place, query: `?apikey=${account.key}` }))).toEqual(GOOD);
  });
});

describe("401", () => {
  it.each<[string, () => Place]>([
    ["an unknown key", () => ({ headers: { "x-api-key": "sk_nobody" } })],
    ["an unknown key as Bearer", () => ({ headers: { authorization: "Bearer sk_nobody" } })],
    ["an unknown key as password", () => ({ headers: basic("a:sk_nobody") })],
    ["an unknown key in the query", () => query("sk_nobody")],
    ["an unknown user", () => ({ headers: basic(`nobody:${user.password}`) })],
    ["a wrong password", () => ({ headers: basic(`${user.name}:wrong`) })],
    ["no password", () => ({ headers: basic(`${user.name}:`) })],
    ["the password without the name", () => ({ headers: basic(`:${user.password}`) })],
    ["a password of 1,001 characters", () => ({ headers: basic(`${user.name}:${"x".repeat(1001)}`) })],
    ["nothing but a colon", () => ({ headers: basic(":") })],
    ["no colon", () => ({ headers: basic("sk_no-colon") })],
    ["what is no base64", () => ({ headers: { authorization: "Basic *?*" } })],
    ["what is no UTF-8", () => ({ headers: { authorization: `Basic ${btoa("a:\xff")}` } })],
    ["Basic without a value", () => ({ headers: { authorization: "Basic" } })],
    ["Bearer without a value", () => ({ headers: { authorization: "Bearer " } })],
    ["a cookie that is none of ours", () => ({ headers: { cookie: "auth=made.up" } })],
  ])("for %s", async (_, place) => {
    const answer = await ping(place());
    expect(answer.headers.get("www-authenticate")).toBe(CHALLENGE);
    expect(await said(answer)).toEqual(INVALID);
  });

  it("for nothing at all", async () => {
    const answer = await ping({});
    expect(answer.headers.get("www-authenticate")).toBe(CHALLENGE);
    expect(await said(answer)).toEqual(MISSING);
  });

  it("for another scheme, which it names", async () => {
    const answer = await ping({ headers: { authorization: 'Digest username="anna"' } });
    expect(answer.headers.get("www-authenticate")).toBe(CHALLENGE);
    expect(await said(answer)).toEqual([401, { error: "Unsupported authentication method.", method: "Digest" }]);
  });

  it("for a key that was revoked a moment after it was good", async () => {
    const { id, key } = await newKey(account.id);
    const place = { headers: basic(`a:${key}`) };
    expect(await said(await ping(place))).toEqual(GOOD);
    await admin("DELETE", `/admin/keys/${id}`);
    const answer = await ping(place);
    expect(answer.headers.get("www-authenticate")).toBe(CHALLENGE);
    expect(await said(answer)).toEqual(INVALID);
  });
});

describe("an account's own name and password", () => {
  it("are good at once after a change, and the former ones no more", async () => {
    const own = await newAccount();
    const first = await setUser(own);
    const sign = (name: string, password: string) => ping({ headers: basic(`${name}:${password}`) }).then(said);
    expect(await sign(first.name, first.password)).toEqual(GOOD);
    const second = await setUser(own, { username: first.name }, "another one");
    expect(await sign(first.name, first.password)).toEqual(INVALID);
    expect(await sign(first.name, second.password)).toEqual(GOOD);
    const renamed = await setUser(own, { password: undefined });
    expect(await sign(first.name, second.password)).toEqual(INVALID);
    expect(await sign(renamed.name, second.password)).toEqual(GOOD);
    await admin("PATCH", `/admin/accounts/${own.id}`, { password: null });
    expect(await sign(renamed.name, second.password)).toEqual(INVALID);
  });

  it("end with the account", async () => {
    const own = await newAccount();
    const { name, password } = await setUser(own);
    expect(await said(await ping({ headers: basic(`${name}:${password}`) }))).toEqual(GOOD);
    await admin("DELETE", `/admin/accounts/${own.id}`);
    expect(await said(await ping({ headers: basic(`${name}:${password}`) }))).toEqual(INVALID);
  });

  it("make no difference in what the account is: its key's rate bucket is another, its things are the same", async () => {
    const own = await newAccount({ limits: { rate_per_second: 1 } });
    const { name, password } = await setUser(own);
    const byPassword = () => ping({ headers: basic(`${name}:${password}`) });
    for (let n = 0; n < 2; n++) expect((await byPassword()).status).toBe(200);
    const empty = await byPassword();
    expect(await said(empty)).toEqual([429, { error: "Too many requests." }]);
    expect(empty.headers.get("retry-after")).toMatch(/^[1-9]/);
    expect((await ping({ headers: { "x-api-key": own.key } })).status).toBe(200);
  });

  it("have all scopes but admin, and that one with console alone", async () => {
    const own = await newAccount();
    const { name, password } = await setUser(own);
    const shutdown = () => ask("/api/system/shutdown", { method: "POST", headers: basic(`${name}:${password}`) });
    expect(await said(await shutdown())).toEqual([403, { error: "This credential lacks the scope 'admin'." }]);
    await setUser(own, { username: name, console: true }, password);
    expect((await said(await shutdown()))[0]).toBe(400);
  });
});

describe("wrong passwords", () => {
  it("of a user are 30 a minute, then 429 with Retry-After, until then 401; keys are not counted", async () => {
    const own = await newAccount();
    const { name, password } = await setUser(own);
    const wrong = (n: number) => ping({ headers: basic(`${name}:wrong-${n}`) });
    for (let n = 0; n < 5; n++) await ping({ headers: { authorization: `Bearer sk_wrong-${n}` } });
    const answers = await Promise.all(Array.from({ length: 32 }, (_, n) => wrong(n)));
    expect(answers.filter((answer) => answer.status === 401)).toHaveLength(30);
    const late = answers.filter((answer) => answer.status === 429);
    expect(late).toHaveLength(2);
    for (const answer of late) {
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(Number(answer.headers.get("retry-after"))).toBeLessThanOrEqual(60);
      expect(await said(answer)).toEqual([429, { error: "Too many requests." }]);
    }
    // Nor is the right one looked at now; a key of the account is, also as a password beside that name.
    expect((await ping({ headers: basic(`${name}:${password}`) })).status).toBe(429);
    expect((await ping({ headers: basic(`${name}:${own.key}`) })).status).toBe(200);
  });

  it("are none when they are right, and one user's are not another's", async () => {
    const [one, two] = [await newAccount(), await newAccount()];
    const [anna, bea] = [await setUser(one), await setUser(two)];
    for (let n = 0; n < 29; n++) await ping({ headers: basic(`${anna.name}:wrong-${n}`) });
    for (let n = 0; n < 3; n++) {
      // Each change is a password that no Worker has checked yet.
      await setUser(one, { username: anna.name }, `right-${n}`);
      expect((await ping({ headers: basic(`${anna.name}:right-${n}`) })).status).toBe(200);
    }
    expect((await ping({ headers: basic(`${anna.name}:wrong`) })).status).toBe(401);
    expect((await ping({ headers: basic(`${anna.name}:wrong`) })).status).toBe(429);
    expect((await ping({ headers: basic(`${bea.name}:${bea.password}`) })).status).toBe(200);
  });
});

describe("scopes", () => {
  it("are jobs:read for reads, jobs:write for all else, admin for the console and shutdown", () => {
    const admins = ["/api/system/terminal", "/api/system/shutdown"];
    for (const { method, path, scope } of LIBRARY_ENDPOINTS) {
      const expected = admins.includes(path) ? "admin" : method === "GET" ? "jobs:read" : "jobs:write";
      expect([method, path, scope]).toEqual([method, path, expected]);
    }
  });

  it("that are missing are 403 in the words of this surface", async () => {
    const { key } = await newKey(account.id, { scopes: ["jobs:write"] });
    const answer = await ping({ headers: { "x-api-key": key } });
    expect(await said(answer)).toEqual([403, { error: "This credential lacks the scope 'jobs:read'." }]);
  });
});
