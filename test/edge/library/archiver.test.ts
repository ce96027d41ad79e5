/** Archives (library API, section 6). */
import { describe, expect, it } from "vitest";
import { type Account, admin, call, type Json, newAccount } from "../support.ts";

const PATH = "/api/archiver";
const FILE = "/config/archive.log";
const [A, B, C] = ["youtube A", "vimeo B", "x c d"];

const list = (account: Account, query: Record<string, string>) =>
  account.api("GET", `${PATH}?${new URLSearchParams(query)}`);

/** The status alone: a 304 has no body. */
async function add(account: Account, body: Json): Promise<number> {
  const headers = { "x-api-key": account.key };
  const answer = await call(PATH, { method: "POST", headers, body: JSON.stringify({ preset: "default", ...body }) });
  if (answer.status === 304) expect(await answer.text()).toBe("");
  return answer.status;
}

describe("an archive", () => {
  it("takes ids once, tells those that it has, and lists all of them, oldest first", async () => {
    const account = await newAccount();
    const made = await account.api("POST", PATH, { preset: "default", items: [C, A, C, A], skip_check: false });
    expect([made.status, made.body]).toEqual([200, { file: FILE, status: true, items: [C, A] }]);
    expect(await add(account, { items: [A, B] })).toBe(200);
    expect((await list(account, { preset: "default" })).body).toEqual({ file: FILE, items: [C, A, B], count: 3 });
    const some = await list(account, { preset: "Default", ids: `${B}, youtube Z,${A}` });
    expect(some.body).toEqual({ file: FILE, items: [B, A], count: 2 });
  });

  it("answers 304, empty, where nothing is new", async () => {
    const account = await newAccount();
    expect([await add(account, { items: [A] }), await add(account, { items: [A] })]).toEqual([200, 304]);
    expect(await add(account, { items: [A], skip_check: true })).toBe(304);
  });

  it("gives ids up, also such as it never had", async () => {
    const account = await newAccount();
    await add(account, { items: [A, B] });
    const gone = await account.api("DELETE", PATH, { preset: "default", items: [A, C] });
    expect([gone.status, gone.body]).toEqual([200, { file: FILE, status: true, items: [A, C] }]);
    expect((await list(account, { preset: "default" })).body.items).toEqual([B]);
  });

  it("is one per name, whatever preset names it, and the account's own", async () => {
    const [account, other] = [await newAccount(), await newAccount()];
    const preset = { name: "mine", cli: "--download-archive a.txt --download-archive '/srv/talks/my archive.txt/' -x" };
    expect((await account.api("POST", "/api/presets", preset)).status).toBe(200);
    await add(account, { preset: "mine", items: [A] });
    expect((await list(account, { preset: "mine" })).body).toEqual({
      ...{ file: "/config/my archive.txt", items: [A], count: 1 },
    });
    expect((await list(account, { preset: "default" })).body.items).toEqual([]);
    expect((await list(account, { preset: "mobile" })).body).toEqual({ file: FILE, items: [], count: 0 });
    expect((await list(other, { preset: "default" })).body.count).toBe(0);
  });

  it("is none where the preset says so, or the account keeps none", async () => {
    const account = await newAccount();
    await account.api("POST", "/api/presets", { name: "off", cli: "--download-archive a --no-download-archive" });
    await admin("PATCH", `/admin/accounts/${account.id}/settings`, { keep_archive: false });
    for (const preset of ["off", "default", "zz"]) {
      const answer = await list(account, { preset });
      expect([answer.status, answer.body]).toEqual([
        400,
        { error: `Preset '${preset}' does not provide a download_archive.` },
      ]);
    }
  });

  it.each<[Json, Json]>([
    [{ items: [A] }, { error: "preset is required." }],
    [{ preset: 7, items: [A] }, { error: "preset is required." }],
    [{ preset: "default" }, { error: "items is required and must be a non-empty list." }],
    [{ preset: "default", items: [] }, { error: "items is required and must be a non-empty list." }],
    [{ preset: "default", items: A }, { error: "items is required and must be a non-empty list." }],
    [
      { preset: "default", items: [A, "bad", 7, " "] },
      { error: "invalid ids provided.", invalid_items: ["bad", 7, " "] },
    ],
  ])("changes nothing for %j", async (body, error) => {
    const account = await newAccount();
    for (const method of ["POST", "DELETE"]) {
      const answer = await account.api(method, PATH, body);
      expect([answer.status, answer.body]).toEqual([400, error]);
    }
    expect((await list(account, { preset: "default" })).body.count).toBe(0);
  });

  it("wants a preset for its list, and ids that are some", async () => {
    const account = await newAccount();
    expect((await account.api("GET", PATH)).body).toEqual({ error: "preset is required." });
    const answer = await list(account, { preset: "default", ids: `${A},bad` });
    expect([answer.status, answer.body]).toEqual([400, { error: "invalid ids provided.", invalid_items: ["bad"] }]);
  });
});
