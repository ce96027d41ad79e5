/** Accounts: reading and changing them (operator's manual; user names: library API 1.2). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { hashPassword, isPassword } from "../../../edge/auth/passwords.ts";
import { TestNode } from "../fleet-node.ts";
import { type Account, admin, newAccount, refusal } from "../support.ts";

const patch = (account: Account, body: unknown) => admin("PATCH", `/admin/accounts/${account.id}`, body);
const name = () => `anna-${crypto.randomUUID()}`;

function passwordOf(account: Account): Promise<string | null> {
  return env.DB.prepare("SELECT password_hash FROM accounts WHERE id = ?").bind(account.id).first("password_hash");
}

describe("GET /admin/accounts/{id}", () => {
  it("has what the create answered, and how its user signs in", async () => {
    const body = { name: "Studio North", limits: { max_queued: 7 }, pool: "shared" };
    const made = await admin("POST", "/admin/accounts", body);
    const read = await admin("GET", `/admin/accounts/${made.body.id}`);
    expect(read.status).toBe(200);
    expect(read.body).toEqual({ ...made.body, username: null, console: false });
  });
});

describe("PATCH /admin/accounts/{id}", () => {
  it("changes what it names, answers the whole account, and leaves the rest", async () => {
    const account = await newAccount();
    const before = (await admin("GET", `/admin/accounts/${account.id}`)).body;
    const username = name();
    const first = await patch(account, { name: "Studio South", username, console: true });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({ ...before, name: "Studio South", username, console: true });
    const second = await patch(account, { pool: "own", limits: { max_concurrent: 2 } });
    expect(second.body).toEqual({ ...first.body, pool: "own", limits: { max_concurrent: 2 } });
    expect((await patch(account, {})).body).toEqual(second.body);
    expect((await admin("GET", `/admin/accounts/${account.id}`)).body).toEqual(second.body);
  });

  it("takes null as an omitted field, but for the user name and the password, which it takes away", async () => {
    const account = await newAccount();
    await patch(account, { username: name(), password: "open sesame" });
    const answer = await patch(account, { name: null, limits: null, username: null, password: null });
    expect(answer.body).toMatchObject({ name: "Studio North", username: null });
    expect(await passwordOf(account)).toBeNull();
  });

  it("keeps the password as PBKDF2 with a salt of its own, and tells it nobody", async () => {
    const [one, two] = [await newAccount(), await newAccount()];
    const answers = [await patch(one, { password: "open sesame" }), await patch(two, { password: "open sesame" })];
    expect(JSON.stringify(answers)).not.toContain("sesame");
    const stored = await passwordOf(one);
    expect(stored).toMatch(/^pbkdf2-sha256\$100000\$[\w-]{22}\$[\w-]{43}$/);
    expect(await passwordOf(two)).not.toBe(stored);
    expect(await isPassword("open sesame", stored ?? "")).toBe(true);
    expect(await isPassword("Open sesame", stored ?? "")).toBe(false);
  });

  it("with a user name of another account is 409, and changes nothing at all; its own it may send again", async () => {
    const [one, two] = [await newAccount(), await newAccount()];
    const username = name();
    await patch(one, { username });
    const taken = await patch(two, { username, name: "Changed" });
    expect(refusal(taken)).toEqual({
      status: 409,
      error: "username is taken by another account",
      field: "username",
    });
    expect((await admin("GET", `/admin/accounts/${two.id}`)).body).toMatchObject({
      name: "Studio North",
      username: null,
    });
    expect((await patch(one, { username })).status).toBe(200);
  });

  it.each<[string, unknown, string]>([
    ["an empty name", { name: "" }, "name"],
    ["a name that is none", { name: 7 }, "name"],
    ["an unknown pool", { pool: "everything" }, "pool"],
    ["a user name with a colon", { username: "anna:b" }, "username"],
    ["a user name with a space at its end", { username: "anna " }, "username"],
    ["an empty user name", { username: "" }, "username"],
    ["an empty password", { password: "" }, "password"],
    ["a password of 1001 characters", { password: "a".repeat(1001) }, "password"],
    ["console as text", { console: "yes" }, "console"],
    ["limits that are a list", { limits: [] }, "limits"],
    ["an unknown limit", { limits: { max_qeued: 3 } }, "limits.max_qeued"],
    ["a limit of 0", { limits: { max_queued: 0 } }, "limits.max_queued"],
    ["a fraction", { limits: { max_concurrent: 1.5 } }, "limits.max_concurrent"],
    ["a limit as text", { limits: { rate_per_second: "5" } }, "limits.rate_per_second"],
    ["an unknown resolution", { limits: { max_resolution: "4k" } }, "limits.max_resolution"],
  ])("%s: 400, naming the field, and nothing is changed", async (_, body, field) => {
    const account = await newAccount();
    const before = await admin("GET", `/admin/accounts/${account.id}`);
    expect(refusal(await patch(account, body))).toMatchObject({ status: 400, field });
    expect((await admin("GET", `/admin/accounts/${account.id}`)).body).toEqual(before.body);
  });

  it("a new cap counts at the next lease, and a request with what a Worker remembers does not undo it", async () => {
    const account = await newAccount();
    const node = await TestNode.online(account);
    for (let n = 0; n < 3; n++) await account.createJob();
    await patch(account, { limits: { max_concurrent: 1, rate_per_second: 10_000 } });
    // The Worker has seen this key within the last 5 s, and knows no cap.
    await account.createJob();
    expect(await node.lease()).toHaveLength(1);
    expect(await node.lease()).toHaveLength(0);
    await patch(account, { limits: { rate_per_second: 10_000 } });
    expect(await node.lease()).toHaveLength(3);
  });
});

describe.each([
  ["POST /admin/accounts", async () => "/admin/accounts"],
  ["POST /admin/accounts/{id}/keys", async () => `/admin/accounts/${(await newAccount()).id}/keys`],
])("%s", (_, path) => {
  it("refuses an unknown limit by its name", async () => {
    const answer = await admin("POST", await path(), { name: "x", limits: { max_queued: 1, max_speed: 1 } });
    expect(refusal(answer)).toMatchObject({ status: 400, field: "limits.max_speed" });
    expect(answer.body.error).toContain("max_speed is not a limit");
  });
});

describe("a stored password", () => {
  it("of another making is no password", async () => {
    for (const stored of ["", "x", "pbkdf2-sha256$100000$$", "bcrypt$1$a$b", "pbkdf2-sha256$100000$AAAA$AAAA"]) {
      expect(await isPassword("", stored)).toBe(false);
    }
  });

  it("is the same however its accents are composed", async () => {
    expect(await isPassword("cafe\u0301", await hashPassword("caf\u00e9"))).toBe(true);
  });
});
