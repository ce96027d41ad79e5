/** Presets (library API 7.2). */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { findPreset } from "../../../../edge/library/features/presets.ts";
import { type Account, admin, type Json, newAccount } from "../../support.ts";

interface List {
  items: Json[];
  pagination: Json;
}

const FIRST = "--socket-timeout 30\n--download-archive %(archive_file)s";
const MEDIA_CENTRE =
  "%(channel,uploader|Unknown)s/Season %(release_date>%Y,upload_date>%Y|Unknown)s/%(release_date>%Y%m%d,upload_date>%Y%m%d|0)s - %(title)s [%(id)s].%(ext)s";
const height = (pixels: number) =>
  `--format-sort vcodec:h264,acodec:aac --format "bv*[height<=${pixels}]+ba/b[height<=${pixels}]" --merge-output-format mp4`;

/** With one preset of its own: for what is refused, and changes nothing. */
let one: Account;
beforeAll(async () => {
  one = await newAccount();
  await one.api("POST", "/api/presets", { name: "mine" });
});

describe("the presets that are shipped", () => {
  it.each([
    [1, "default", "", ""],
    [
      2,
      "mobile",
      "--merge-output-format mp4 --remux-video mp4 --embed-chapters --embed-metadata --embed-thumbnail",
      "",
    ],
    [3, "1080p", height(1080), ""],
    [4, "720p", height(720), ""],
    [5, "audio_only", "--extract-audio --audio-quality 0 --embed-metadata --embed-thumbnail", ""],
    [6, "info_reader_plugin", "--write-info-json --write-thumbnail --convert-thumbnails jpg", MEDIA_CENTRE],
    [7, "nfo_maker_tv", "--write-thumbnail --convert-thumbnails jpg", MEDIA_CENTRE],
    [8, "nfo_maker_movie", "--write-thumbnail --convert-thumbnails jpg", MEDIA_CENTRE],
  ])("%d is %s", async (id, name, rest, template) => {
    expect((await one.api("GET", `/api/presets/${id}`)).body).toEqual({
      ...{ id, name, description: "", folder: "", template, cookies: "", default: true, priority: 0 },
      cli: rest === "" ? FIRST : `${FIRST}\n${rest}`,
    });
  });

  it("name no archive in an account with keep_archive false", async () => {
    const account = await newAccount();
    await admin("PATCH", `/admin/accounts/${account.id}/settings`, { keep_archive: false });
    expect((await account.api("GET", "/api/presets/1")).body.cli).toBe("--socket-timeout 30");
  });

  it("cannot be changed or removed, and their names are taken", async () => {
    const account = await newAccount();
    for (const method of ["PATCH", "PUT"]) {
      expect(await account.api(method, "/api/presets/8", "no JSON")).toMatchObject({
        status: 400,
        body: { error: "Default presets cannot be modified." },
      });
    }
    expect(await account.api("DELETE", "/api/presets/1")).toMatchObject({
      status: 400,
      body: { error: "Default presets cannot be deleted." },
    });
    const error = "Preset with name 'audio_only' already exists.";
    const made = await account.api("POST", "/api/presets", { name: "Audio  Only" });
    expect([made.status, made.body]).toEqual([400, { error }]);
    const { body } = await account.api("POST", "/api/presets", { name: "mine", default: true });
    expect(body).toMatchObject({ id: 9, default: false });
    const renamed = await account.api("PATCH", "/api/presets/9", { name: "AUDIO_ONLY" });
    expect([renamed.status, renamed.body]).toEqual([409, { error }]);
  });

  it("stand in their places among one's own: by priority from high to low, then by name", async () => {
    const account = await newAccount();
    for (const [name, priority] of [
      ["zz", 5],
      ["aa", 5],
      ["first", 10],
      ["between", 0],
      ["0", 0],
      ["zzz", 0],
    ]) {
      await account.api("POST", "/api/presets", { name, priority });
    }
    const names = ["first", "aa", "zz", "0", "1080p", "720p", "audio_only", "between", "default"];
    names.push("info_reader_plugin", "mobile", "nfo_maker_movie", "nfo_maker_tv", "zzz");
    for (const perPage of [1, 3, 5, 50]) {
      const seen: unknown[] = [];
      for (let page = 1; page <= Math.ceil(names.length / perPage); page++) {
        const { body } = await account.api<List>("GET", `/api/presets?page=${page}&per_page=${perPage}`);
        expect(body.pagination.total).toBe(names.length);
        seen.push(...body.items.map((item) => item.name));
      }
      expect(seen, `${perPage} a page`).toEqual(names);
    }
  });

  it("are there for an account of any age", async () => {
    const account = await newAccount();
    await env.DB.prepare("DELETE FROM library_ids WHERE account_id = ?").bind(account.id).run();
    expect((await account.api<List>("GET", "/api/presets")).body.pagination.total).toBe(8);
  });
});

it("GET ?filter= is a bare array of all presets in the order of lists, cut down to the keys named", async () => {
  const account = await newAccount();
  await account.api("POST", "/api/presets", { name: "own", priority: 1 });
  const presets = await account.api<Json[]>("GET", "/api/presets?filter=name,id,nonsense&per_page=1");
  expect(presets.body).toHaveLength(9);
  expect(presets.body.slice(0, 2)).toEqual([
    { id: 9, name: "own" },
    { id: 3, name: "1080p" },
  ]);
  expect((await account.api<Json[]>("GET", "/api/presets?filter=cookies")).body[0]).toEqual({ cookies: "" });
});

it.each([
  [" My  Preset ", "my_preset"],
  ["\tUPPER\n case", "upper_case"],
])("the name %j becomes %j", async (name, kept) => {
  const account = await newAccount();
  expect((await account.api("POST", "/api/presets", { name })).body.name).toBe(kept);
  const taken = await account.api("POST", "/api/presets", { name: kept.toUpperCase() });
  expect(taken.body).toEqual({ error: `Preset with name '${kept}' already exists.` });
});

it.each([
  [{ priority: "high" }, ["priority"], "Priority must be an integer."],
  [{ priority: 1.5 }, ["priority"], "Priority must be an integer."],
  [{ priority: null }, ["priority"], "Priority must be an integer."],
  [{ priority: true }, ["priority"], "Priority must be an integer."],
  [{ priority: 1e300 }, ["priority"], "Priority must be an integer."],
  [{ priority: -1 }, ["priority"], "Priority must be >= 0."],
  [{ cli: 7 }, ["cli"], "CLI must be a string."],
  [{ folder: [] }, ["folder"], "Folder must be a string."],
  [{ cookies: {} }, ["cookies"], "Cookies must be a string."],
])("%j is refused, made or changed", async (fields, loc, text) => {
  const expected = {
    error: "Failed to validate preset.",
    detail: [{ loc, msg: `Value error, ${text}`, type: "value_error" }],
  };
  for (const [method, path] of [
    ["POST", "/api/presets"],
    ["PATCH", "/api/presets/9"],
    ["PUT", "/api/presets/9"],
  ] as const) {
    const answer = await one.api(method, path, { name: "other", ...fields });
    expect([answer.status, answer.body]).toEqual([400, expected]);
  }
});

it("all bad fields are listed", async () => {
  const answer = await one.api<{ detail: Json[] }>("POST", "/api/presets", { folder: 1, cli: 2, priority: -3 });
  expect(answer.body.detail.map((each) => each.loc)).toEqual([["name"], ["folder"], ["cli"], ["priority"]]);
});

it.each(["[]", "7", '"x"', "null"])("the body %s is no object", async (body) => {
  const answer = await one.api("POST", "/api/presets", body);
  expect([answer.status, answer.body]).toEqual([400, { error: "Invalid request body expecting dict." }]);
});

it("a priority may be a text of digits, and a text may be null", async () => {
  const answer = await one.api("POST", "/api/presets", { name: "another", priority: " 7 ", folder: null });
  expect(answer.body).toMatchObject({ priority: 7, folder: "" });
});

it("findPreset compares names as presets are named, opens what is sealed, and knows no other account's", async () => {
  const [account, other] = [await newAccount(), await newAccount()];
  const cookies = "# Netscape HTTP Cookie File\nmedia.example.com\tFALSE\t/\tTRUE\t0\tid\tworth-a-lot\n";
  await account.api("POST", "/api/presets", { name: "mine", cookies, cli: "--video-password worth-a-lot" });
  const deps = { env, account: account.id };
  expect(await findPreset(deps, " MINE ")).toMatchObject({ id: 9, cookies, cli: "--video-password worth-a-lot" });
  expect(await findPreset(deps, "Default")).toMatchObject({ id: 1, cli: FIRST });
  expect(await findPreset({ env, account: other.id }, "mine")).toBeNull();
  const { results } = await env.DB.prepare("SELECT * FROM library_features WHERE account_id = ?")
    .bind(account.id)
    .all();
  expect(JSON.stringify(results)).not.toContain("worth-a-lot");
});

it("a body of nearly 1 MiB is kept, sealed or not", async () => {
  const account = await newAccount();
  const cookies = "x".repeat(1_040_000);
  const made = await account.api("POST", "/api/presets", { name: "mine", cookies });
  expect([made.status, String(made.body.cookies).length]).toEqual([200, cookies.length]);
  expect((await account.api("GET", "/api/presets/9")).body.cookies).toBe(cookies);
});

it("a merge cannot make more of a preset than a body may be", async () => {
  const account = await newAccount();
  const half = "x".repeat(600_000);
  await account.api("POST", "/api/presets", { name: "mine", description: half });
  const answer = await account.api("PATCH", "/api/presets/9", { folder: half });
  expect([answer.status, answer.body]).toEqual([413, { error: "Request body is too large (max 1 MiB)." }]);
  expect((await account.api("GET", "/api/presets/9")).body.folder).toBe("");
});

it("an account may keep so much of a kind and no more; what does not grow can still be changed", async () => {
  const account = await newAccount();
  await account.api("POST", "/api/presets", { name: "mine", folder: "talks" });
  const almost = 16 * 1024 * 1024 - 50;
  await env.DB.prepare("UPDATE library_features SET size = ? WHERE account_id = ?").bind(almost, account.id).run();
  const error = "Too much is kept as presets (max 16 MiB).";
  const refused = await account.api("POST", "/api/presets", { name: "other" });
  expect([refused.status, refused.body]).toEqual([400, { error }]);
  expect((await account.api("PATCH", "/api/presets/9", { folder: "talk" })).status).toBe(200);
});
