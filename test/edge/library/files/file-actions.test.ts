/** `POST /api/file/actions` (library API 9.5). */
import { env } from "cloudflare:workers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sweepTree } from "../../../../edge/sweep/tree.ts";
import { readJob } from "../../storage/support.ts";
import { type Account, admin, type Json, newAccount, textOf } from "../../support.ts";
import { delivered, faultAt, statusOf } from "../../sweep/support.ts";
import { fetchPath, first, keyOf, namesIn, putByHand, putDelivered, stored, treeRows } from "./support.ts";

interface Result extends Json {
  path: string;
  ok: boolean;
  error: string | null;
}

async function newOwner(): Promise<Account> {
  const account = await newAccount();
  const { status } = await admin("PATCH", `/admin/accounts/${account.id}/settings`, { browser_control_enabled: true });
  expect(status).toBe(200);
  return account;
}

const post = (account: Account, body: unknown) => account.api<Result[]>("POST", "/api/file/actions", body);

async function act(account: Account, ...actions: Json[]): Promise<Result[]> {
  const { status, body } = await post(account, actions);
  expect(status, JSON.stringify(body)).toBe(200);
  return body;
}

/** The error of one action that is refused. */
async function refusal(account: Account, action: Json): Promise<string | null | undefined> {
  const [result] = await act(account, action);
  expect(result).toMatchObject({ status: false, ok: false, action: action.action });
  return result?.error;
}

const jobOf = async (account: Account, path: string) =>
  env.DB.prepare("SELECT file_id FROM tree WHERE account_id = ? AND path = ?").bind(account.id, path).first("file_id");

/** Of whom everything is refused, so that it stays as it was. */
let refused: Account;
const KEPT = ["ch/a.mp4", "ch/new/b.mp4", "ch/taken.mp4", "ch/x.mp4", "ch/y.mp4", "full/y.mp4", "x.mp4"];
beforeAll(async () => {
  refused = await newOwner();
  for (const path of KEPT) await putByHand(refused, path, path);
});
afterAll(async () => {
  expect(await stored(refused)).toEqual(KEPT);
});

describe("bodies", () => {
  let account: Account;
  beforeAll(async () => {
    account = await newOwner();
    await putByHand(account, "a.mp4");
  });

  it.each<[unknown, string]>([
    ["[", "Invalid JSON."],
    [{}, "Invalid parameters expecting list of dicts."],
    [[{ action: "delete", path: "a.mp4" }, 1], "Invalid parameters expecting list of dicts."],
    [[{ action: "zzz", path: "a.mp4" }], "Invalid action 'zzz'. Must be one of rename, delete, move, directory."],
    [[{ action: "rename", path: "a.mp4" }], "New name is required for rename action."],
    [[{ action: "move", path: "a.mp4", new_path: "" }], "New path is required for move action."],
    [[{ action: "directory", path: "/" }], "New directory name is required for directory action."],
  ])("%j is refused as a whole", async (body, error) => {
    const answer = await post(account, body);
    expect([answer.status, answer.body]).toEqual([400, { error }]);
    expect(await stored(account)).toEqual(["a.mp4"]);
  });

  it("one bad action among good ones is found before anything is done", async () => {
    const answer = await post(account, [
      { action: "delete", path: "a.mp4" },
      { action: "rename", path: "a.mp4" },
    ]);
    expect([answer.status, await stored(account)]).toEqual([400, ["a.mp4"]]);
  });

  it("are for accounts whose setting says so, and keys that may write", async () => {
    const other = await newAccount();
    const answer = await post(other, [{ action: "delete", path: "a.mp4" }]);
    expect([answer.status, answer.body]).toEqual([403, { error: "File browser actions is disabled." }]);
    const reader = await newAccount({ key: { scopes: ["jobs:read"] } });
    expect((await post(reader, [])).body).toEqual({ error: "This credential lacks the scope 'jobs:write'." });
  });
});

describe("rename", () => {
  it("gives a file another name, and its sidecars with it", async () => {
    const account = await newOwner();
    for (const name of ["x.mp4", "x.en.srt", "x.info.json", "xy.mp4", "poster.jpg"]) {
      await putByHand(account, `ch/foo/${name}`, name);
    }
    const [first, ...others] = await act(account, { action: "rename", path: "ch/foo/x.mp4", new_name: "renamed.mp4" });
    expect(first).toEqual({
      path: "ch/foo/x.mp4",
      status: true,
      ok: true,
      error: null,
      action: "rename",
      new_path: "ch/foo/renamed.mp4",
    });
    expect(others.map(({ path, new_path, ok }) => [path, new_path, ok])).toEqual([
      ["ch/foo/x.en.srt", "ch/foo/renamed.en.srt", true],
      ["ch/foo/x.info.json", "ch/foo/renamed.info.json", true],
    ]);
    const names = ["poster.jpg", "renamed.en.srt", "renamed.info.json", "renamed.mp4", "xy.mp4"];
    expect([await namesIn(account, "ch/foo"), await stored(account)]).toEqual([
      names,
      names.map((name) => `ch/foo/${name}`),
    ]);
  });

  it("of a job's file is followed by the job in every API, its old URL and its name", async () => {
    const account = await newOwner();
    const file = await delivered(account, "the bytes", { filename: "talk" });
    await putByHand(account, "videos/talk.en.srt");
    const [result] = await act(account, { action: "rename", path: "videos/talk.mp4", new_name: "speech.mp4" });
    expect(result).toMatchObject({ ok: true, new_path: "videos/speech.mp4" });

    const job = await readJob(account, file.id);
    expect(job.files.map(({ key }) => key)).toEqual(["videos/speech.mp4"]);
    const item = {
      download_dir: "/downloads/videos",
      filename: "speech.mp4",
      sidecar: { subtitle: [{ file: "/downloads/videos/speech.en.srt", lang: "en", name: "SRT (0) - en" }] },
    };
    expect((await account.api("GET", `/api/history/${file.id}`)).body).toMatchObject(item);
    expect((await account.api("GET", "/api/history?type=done")).body).toMatchObject({ items: [item] });
    const url = new URL(job.s3_url ?? "");
    expect([await statusOf(url.pathname + url.search), await statusOf(file.url)]).toEqual([200, 403]);
    const list = await account.api<{ jobs: { s3_key: string }[] }>("GET", "/jobs");
    expect(list.body.jobs[0]?.s3_key).toBe("videos/speech.mp4");
    expect(await textOf(await fetchPath(account, `${file.id}/file`))).toBe("the bytes");
    expect(await textOf(await fetchPath(account, "videos/speech.mp4"))).toBe("the bytes");
    expect((await fetchPath(account, "videos/talk.mp4")).status).toBe(404);

    const next = await delivered(account, "another", { filename: "talk" });
    expect(next.storeKey).toBe(keyOf(account, "videos/talk.mp4"));
    const third = await delivered(account, "a third", { filename: "speech" });
    expect(third.storeKey).toBe(keyOf(account, "videos/speech (2).mp4"));
    expect((await account.api("DELETE", `/jobs/${file.id}/file`)).status).toBe(200);
    const fourth = await delivered(account, "a fourth", { filename: "speech" });
    expect(fourth.storeKey).toBe(keyOf(account, "videos/speech.mp4"));
  });

  it("to a name that differs in its case alone is one", async () => {
    const account = await newOwner();
    await delivered(account, "the bytes", { filename: "talk" });
    const [result] = await act(account, { action: "rename", path: "videos/talk.mp4", new_name: "Talk.mp4" });
    expect([result?.ok, await treeRows(account)]).toEqual([true, ["videos/", "videos/Talk.mp4"]]);
    expect((await delivered(account, "another", { filename: "talk" })).storeKey).toBe(
      keyOf(account, "videos/talk (2).mp4"),
    );
  });

  it.each([
    ["x.mp4", "Source and destination are the same."],
    ["taken.mp4", "Destination already exists."],
    ["a/b.mp4", "New name must not contain a path separator."],
    ["a\\b.mp4", "New name must not contain a path separator."],
    ["..", "Destination path is invalid."],
    [".hidden.mp4", "Destination path is invalid."],
    ["_hidden.mp4", "Destination path is invalid."],
    ["\u200b.trawl", "Destination path is invalid."],
    ["nul\u0000.mp4", "Destination path is invalid."],
    [`${"é".repeat(130)}.mp4`, "Destination path is invalid."],
  ])("to %j is refused: %s", async (new_name, error) => {
    expect(await refusal(refused, { action: "rename", path: "ch/x.mp4", new_name })).toBe(error);
  });

  it("at the top is refused for what would be another account's root", async () => {
    for (const new_name of [`@${first.id}`, `\u200d@${first.id}`, `＠${first.id}`]) {
      const error = await refusal(refused, { action: "rename", path: "x.mp4", new_name });
      expect(error).toBe("Destination path is invalid.");
    }
  });

  it("to a name that a live job holds is refused", async () => {
    const account = await newOwner();
    const { id } = await putDelivered(account, "videos/mine.mp4");
    await delivered(account, "theirs", { filename: "theirs" });
    // Its file is gone from the disk and the tree, and its name is still the job's.
    await env.DB.prepare("DELETE FROM tree WHERE account_id = ? AND path = 'videos/theirs.mp4'").bind(account.id).run();
    await env.STORE?.fetch(`http://store/fake/object?key=${encodeURIComponent(keyOf(account, "videos/theirs.mp4"))}`, {
      method: "DELETE",
    });
    const action = { action: "rename", path: "videos/mine.mp4", new_name: "theirs.mp4" };
    expect(await refusal(account, action)).toBe("Destination already exists.");
    expect(await jobOf(account, "videos/mine.mp4")).toBe(id);
    expect(await stored(account)).toEqual(["videos/mine.mp4"]);
  });
});

describe("move", () => {
  it("takes a file and its sidecars to another folder; what is empty then goes, a folder that somebody made stays", async () => {
    const account = await newOwner();
    const { id } = await putDelivered(account, "ch/foo/y.mp4");
    await putByHand(account, "ch/foo/y.en.vtt");
    await act(account, { action: "directory", path: "/", new_dir: "shelf/new" });
    const results = await act(account, { action: "move", path: "ch/foo/y.mp4", new_path: "/shelf/new/" });
    expect(results.map(({ path, new_path }) => [path, new_path])).toEqual([
      ["ch/foo/y.mp4", "shelf/new/y.mp4"],
      ["ch/foo/y.en.vtt", "shelf/new/y.en.vtt"],
    ]);
    expect(await jobOf(account, "shelf/new/y.mp4")).toBe(id);
    expect(await treeRows(account)).toEqual(["shelf/", "shelf/new/", "shelf/new/y.en.vtt", "shelf/new/y.mp4"]);
    await act(account, { action: "move", path: "shelf/new/y.mp4", new_path: "/" });
    expect(await treeRows(account)).toEqual(["shelf/", "shelf/new/", "y.en.vtt", "y.mp4"]);
  });

  it("takes a folder with all that is in it, in one rename of the store", async () => {
    const account = await newOwner();
    const { id } = await putDelivered(account, "a/in/one.mp4");
    await putByHand(account, "a/two.mp4", "2");
    await putByHand(account, "b/three.mp4", "3");
    await namesIn(account, "a");
    const [result] = await act(account, { action: "move", path: "a", new_path: "b" });
    expect(result).toMatchObject({ ok: true, new_path: "b/a" });
    const files = ["b/a/in/one.mp4", "b/a/two.mp4", "b/three.mp4"];
    expect(await stored(account)).toEqual(files);
    await namesIn(account, "b");
    expect(await treeRows(account)).toEqual(["b/", "b/a/", "b/a/in/", ...files]);
    const file = await env.DB.prepare("SELECT path, store_key FROM files WHERE file_id = ?").bind(id).first();
    expect(file).toEqual({ path: "b/a/in/one.mp4", store_key: keyOf(account, "b/a/in/one.mp4") });
  });

  it.each([
    ["ch", "Source and destination are the same."],
    ["full", "Destination already exists."],
    ["nope", "Destination path is invalid."],
    ["full/y.mp4", "Destination path is invalid."],
    ["../full", "Destination path is invalid."],
    [".cache", "Destination path is invalid."],
  ])("to %j is refused: %s", async (new_path, error) => {
    expect(await refusal(refused, { action: "move", path: "ch/y.mp4", new_path })).toBe(error);
  });

  it("of a folder into itself is refused", async () => {
    expect(await refusal(refused, { action: "move", path: "ch", new_path: "ch/new" })).toBe(
      "Destination path is invalid.",
    );
  });

  it("that breaks off is ended by the sweep, and by nobody before", async () => {
    const account = await newOwner();
    const file = await delivered(account, "the bytes", { filename: "talk" });
    await putByHand(account, "shelf/x.mp4", "x");
    await faultAt("rename", keyOf(account, "videos/talk.mp4"));
    const action = { action: "move", path: "videos/talk.mp4", new_path: "shelf" };
    expect(await refusal(account, action)).toBe("Storage is unavailable: eio");
    await sweepTree(env, () => {}, Date.now());
    expect(await stored(account)).toEqual(["shelf/x.mp4", "videos/talk.mp4"]);
    await sweepTree(env, () => {}, Date.now() + 120_000);
    expect(await stored(account)).toEqual(["shelf/talk.mp4", "shelf/x.mp4"]);
    expect((await readJob(account, file.id)).files.map(({ key }) => key)).toEqual(["shelf/talk.mp4"]);
    expect(await treeRows(account)).toEqual(["shelf/", "shelf/talk.mp4", "shelf/x.mp4"]);
  });

  it("whose answer was lost has been done once", async () => {
    const account = await newOwner();
    await putDelivered(account, "a/one.mp4");
    const fault = {
      call: "movefolder",
      key: keyOf(account, "a"),
      times: 1,
      status: 503,
      answer: { error: "eio" },
      done: true,
    };
    await env.STORE?.fetch("http://store/fake/fault", { method: "POST", body: JSON.stringify(fault) });
    expect(await refusal(account, { action: "rename", path: "a", new_name: "b" })).toBe("Storage is unavailable: eio");
    await sweepTree(env, () => {}, Date.now() + 120_000);
    expect([await stored(account), await treeRows(account)]).toEqual([["b/one.mp4"], ["b/", "b/one.mp4"]]);
  });
});

describe("delete", () => {
  it("takes a job's file and what is about it; the record stays, and so does the usage", async () => {
    const account = await newOwner();
    const file = await delivered(account, "the bytes", { filename: "talk" });
    await putByHand(account, "videos/talk.en.srt");
    const results = await act(account, { action: "delete", path: "videos/talk.mp4" });
    expect(results).toEqual(
      ["videos/talk.mp4", "videos/talk.en.srt"].map((path) => ({
        path,
        status: true,
        ok: true,
        error: null,
        action: "delete",
        deleted: true,
      })),
    );
    expect([await stored(account), await treeRows(account)]).toEqual([[], []]);
    expect(await readJob(account, file.id)).toMatchObject({ status: "Completed", s3_url: null, files: [] });
    expect((await account.api("GET", "/dashboard/stats")).body).toMatchObject({ storage_used_bytes: 9 });
    expect((await delivered(account, "again", { filename: "talk" })).storeKey).toBe(keyOf(account, "videos/talk.mp4"));
  });

  it("of a file that was changed by hand takes what is there now", async () => {
    const account = await newOwner();
    const file = await delivered(account, "the bytes", { filename: "talk" });
    await putByHand(account, "videos/talk.mp4", "changed");
    expect((await act(account, { action: "delete", path: "videos/talk.mp4" }))[0]?.ok).toBe(true);
    expect(await stored(account)).toEqual([]);
    const row = await env.DB.prepare("SELECT erase_at FROM files WHERE file_id = ?").bind(file.fileId).first();
    expect(row).toEqual({ erase_at: null });
  });

  it("of one file of a job leaves its others, and its name is the job's until the last goes", async () => {
    const account = await newOwner();
    const file = await delivered(account, "the bytes", { filename: "talk" });
    await putDelivered(account, "videos/talk.en.vtt");
    await env.DB.prepare("UPDATE files SET job_id = ? WHERE path = 'videos/talk.en.vtt' AND account_id = ?")
      .bind(file.id, account.id)
      .run();
    await act(account, { action: "delete", path: "videos/talk.en.vtt" });
    expect((await readJob(account, file.id)).files.map(({ key }) => key)).toEqual(["videos/talk.mp4"]);
    expect((await delivered(account, "x", { filename: "talk" })).storeKey).toBe(keyOf(account, "videos/talk (2).mp4"));
    const left = await env.DB.prepare("SELECT count(*) AS n FROM files WHERE account_id = ? AND erase_at IS NOT NULL")
      .bind(account.id)
      .first<number>("n");
    expect(left).toBe(0);
  });

  it("takes a folder with its content", async () => {
    const account = await newOwner();
    await delivered(account, "the bytes", { folder: "series/1", filename: "talk" });
    await putByHand(account, "videos/series/notes.txt");
    await putByHand(account, "videos/series/.hidden");
    await putByHand(account, "videos/series 2/stays.mp4");
    expect(await act(account, { action: "delete", path: "videos/series" })).toMatchObject([
      { ok: true, deleted: true },
    ]);
    expect(await stored(account)).toEqual(["videos/series 2/stays.mp4"]);
    expect(await namesIn(account, "videos")).toEqual(["series 2"]);
    const again = await delivered(account, "again", { folder: "series/1", filename: "talk" });
    expect(again.storeKey).toBe(keyOf(account, "videos/series/1/talk.mp4"));
  });
});

describe("directory", () => {
  it("is made with its parents, and stays though nothing is in it", async () => {
    const account = await newOwner();
    await putByHand(account, "ch/a.mp4");
    expect(await act(account, { action: "directory", path: "ch", new_dir: "new/sub" })).toEqual([
      { path: "ch", status: true, ok: true, error: null, action: "directory", new_dir: "new/sub" },
    ]);
    expect(await namesIn(account, "ch/new")).toEqual(["sub"]);
    expect(await namesIn(account, "ch/new/sub")).toEqual([]);
  });

  it.each([
    ["ch", "new", "Directory already exists."],
    ["nope", "new", "path 'nope' does not exist."],
    ["ch/a.mp4", "new", "path 'ch/a.mp4' does not exist."],
    ["ch", "../new", "Destination path is invalid."],
    ["ch", "a.mp4/new", "Destination path is invalid."],
    ["ch", ".hidden", "Destination path is invalid."],
    ["/", "@someone/else", "Destination path is invalid."],
  ])("in %j, %j is refused: %s", async (path, new_dir, error) => {
    expect(await refusal(refused, { action: "directory", path, new_dir })).toBe(error);
  });
});

describe("paths", () => {
  it("that are none, and the root, are named one by one; the others are done all the same", async () => {
    const [account, other] = [await newOwner(), await newAccount()];
    await putByHand(account, "z.mp4", "z");
    await putByHand(other, "z.mp4", "theirs");
    const item = { action: "delete", path: "" };
    const results = await act(
      account,
      item,
      { action: "delete", path: "/" },
      { action: "move", path: "nope", new_path: "ch" },
      { action: "delete", path: "../z.mp4" },
      { action: "delete", path: `@${other.id}/z.mp4` },
      { action: "delete", path: "Z.MP4" },
      { action: "delete", path: "z.mp4" },
    );
    expect(results[0]).toEqual({
      path: "no_path",
      status: false,
      ok: false,
      error: "Path is required.",
      action: "delete",
      item,
    });
    expect(results.map(({ error }) => error)).toEqual([
      "Path is required.",
      "Cannot operate on root directory.",
      "path 'nope' does not exist.",
      "path '../z.mp4' does not exist.",
      `path '@${other.id}/z.mp4' does not exist.`,
      "path 'Z.MP4' does not exist.",
      null,
    ]);
    expect([await stored(account), await stored(other)]).toEqual([[], ["z.mp4"]]);
  });
});
