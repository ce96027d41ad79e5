/** The file tree and what keeps it (library API 9.1): rows by triggers, and the disk compared with them. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { beginRemoval, endRemoval } from "../../../../edge/db/account-removal.ts";
import { compareFolder } from "../../../../edge/library/tree/compare.ts";
import { contentTypeOf, contentTypeSql } from "../../../../edge/library/tree/file-types.ts";
import { openTree, type Tree } from "../../../../edge/library/tree/open-tree.ts";
import { sweepTree } from "../../../../edge/sweep/tree.ts";
import { type Account, newAccount } from "../../support.ts";
import { delivered, faultAt } from "../../sweep/support.ts";
import { keyOf, namesIn, putByHand, putDelivered, removeByHand, treeRows } from "./support.ts";

const HOUR = 3_600_000;
const sweepAt = (inMs: number) => sweepTree(env, () => {}, Date.now() + inMs);

/** As if a page of a listing were as short as that. */
function inPagesOf(length: number, tree: Tree): Tree {
  const { folders } = tree.store;
  if (folders === undefined) throw new Error("the store of these tests has folders");
  const list: typeof folders.list = async (folder, after) => {
    const page = await folders.list(folder, after);
    if (page === null || page.entries.length <= length) return page;
    const entries = page.entries.slice(0, length);
    return { entries, next: entries.at(-1)?.name ?? null };
  };
  return { ...tree, store: { ...tree.store, folders: { ...folders, list } } };
}

const namesFound = async (account: Account) =>
  (await treeRows(account)).map((path) => /(\w)\.srt$/.exec(path)?.[1] ?? "").join("");

async function removeRow(fileId: string): Promise<void> {
  await env.DB.prepare("UPDATE files SET deleted_at = 1 WHERE file_id = ?").bind(fileId).run();
}

describe("a job's files", () => {
  it("stand in the tree with their folders as soon as D1 has them, and go with their rows", async () => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes", { folder: "talks/2026", filename: "a talk" });
    expect(await treeRows(account)).toEqual([
      "videos/",
      "videos/talks/",
      "videos/talks/2026/",
      "videos/talks/2026/a talk.mp4",
    ]);
    expect((await account.api("DELETE", `/jobs/${file.id}/file`)).status).toBe(200);
    expect(await treeRows(account)).toEqual([]);
  });

  it("leave the folders in which something is left", async () => {
    const account = await newAccount();
    const one = await putDelivered(account, "ch/a/one.mp4");
    const two = await putDelivered(account, "ch/a/b/two.mp4");
    await removeRow(two.id);
    expect(await treeRows(account)).toEqual(["ch/", "ch/a/", "ch/a/one.mp4"]);
    await removeRow(one.id);
    expect(await treeRows(account)).toEqual([]);
  });

  it("may be called anything", async () => {
    const account = await newAccount();
    const path = `it's "q"/\u00fc[1]{2}/日本 🎬.mp4`;
    await putDelivered(account, path);
    expect(await treeRows(account)).toEqual([`it's "q"/`, `it's "q"/\u00fc[1]{2}/`, path]);
  });

  it("of another account, or in a bucket of its own, are not in it", async () => {
    const [one, other] = [await newAccount(), await newAccount()];
    await putDelivered(one, "ch/mine.mp4");
    await env.DB.prepare(
      `INSERT INTO files (file_id, job_id, account_id, kind, path, store_key, target_id, size, content_type, etag, created_at)
       VALUES (?, 'j', ?, 'media', 'b/own.mp4', 'b/own.mp4', 'a-target', 1, 'video/mp4', '"e"', 1)`,
    )
      .bind(crypto.randomUUID(), other.id)
      .run();
    expect([await treeRows(other), await namesIn(other)]).toEqual([[], []]);
  });

  it("go with their account", async () => {
    const account = await newAccount();
    await putDelivered(account, "ch/mine.mp4");
    await env.DB.prepare("INSERT INTO zip_tokens VALUES (?, ?, '[]', 1)").bind(account.id, account.id).run();
    await beginRemoval(env.DB, account.id, Date.now());
    await endRemoval(env.DB, account.id);
    expect(await treeRows(account)).toEqual([]);
    expect(await env.DB.prepare("SELECT * FROM zip_tokens WHERE account_id = ?").bind(account.id).first()).toBeNull();
  });
});

describe("files put there by hand", () => {
  it("are seen by whoever opens their folder, and no longer once they are gone", async () => {
    const account = await newAccount();
    await putByHand(account, "shelf/one.mkv");
    expect(await namesIn(account)).toEqual(["shelf"]);
    expect(await namesIn(account, "shelf")).toEqual(["one.mkv"]);
    await removeByHand(account, "shelf/one.mkv");
    await putByHand(account, "shelf/two.mkv");
    expect(await namesIn(account, "shelf")).toEqual(["two.mkv"]);
    await removeByHand(account, "shelf/two.mkv");
    expect(await namesIn(account)).toEqual([]);
  });

  it("are found by the hourly comparison down to the last folder, and not before the hour is over", async () => {
    const account = await newAccount();
    await sweepAt(0);
    await putByHand(account, "a/b/c/deep.mkv");
    await sweepAt(HOUR / 2);
    expect(await treeRows(account)).toEqual([]);
    await sweepAt(2 * HOUR);
    expect(await treeRows(account)).toEqual(["a/", "a/b/", "a/b/c/", "a/b/c/deep.mkv"]);
    await removeByHand(account, "a/b/c/deep.mkv");
    await sweepAt(4 * HOUR);
    expect(await treeRows(account)).toEqual([]);
  });

  it("are compared page by page", async () => {
    const account = await newAccount();
    const tree = inPagesOf(2, openTree(env, { id: account.id, store_prefix: keyOf(account, "") }));
    const compareAll = async () => {
      for (let after: string | null = null; ; ) {
        after = (await compareFolder(tree, "many", after)).next;
        if (after === null) return;
      }
    };
    for (const name of ["a", "b", "c", "d", "e"]) await putByHand(account, `many/${name}.srt`);
    await compareAll();
    expect(await namesFound(account)).toEqual("abcde");
    for (const name of ["a", "c", "e"]) await removeByHand(account, `many/${name}.srt`);
    await compareAll();
    expect(await namesFound(account)).toEqual("bd");
  });

  it("in the place of a job's file are nobody's job's, until its own comes back", async () => {
    const account = await newAccount();
    const file = await putDelivered(account, "ch/a.mp4");
    const jobOf = () =>
      env.DB.prepare("SELECT job_id, size FROM tree WHERE account_id = ? AND path = 'ch/a.mp4'")
        .bind(account.id)
        .first();
    await putByHand(account, "ch/a.mp4", "somebody else's");
    await namesIn(account, "ch");
    expect(await jobOf()).toEqual({ job_id: null, size: 15 });
    await putByHand(account, "ch/a.mp4", "delivered");
    await namesIn(account, "ch");
    expect(await jobOf()).toEqual({ job_id: file.job, size: 9 });
  });

  it("a file that is just being erased is not taken for somebody's", async () => {
    const account = await newAccount();
    const file = await putDelivered(account, "ch/a.mp4");
    await env.DB.prepare("UPDATE files SET erase_at = 1 WHERE file_id = ?").bind(file.id).run();
    await env.DB.prepare("DELETE FROM tree WHERE account_id = ?").bind(account.id).run();
    await namesIn(account, "ch");
    expect(await treeRows(account)).toEqual(["ch/"]);
  });

  it("a disk that does not answer takes nothing away", async () => {
    const account = await newAccount();
    await putDelivered(account, "ch/a.mp4");
    await faultAt("list", keyOf(account, "ch"));
    expect(await namesIn(account, "ch")).toEqual(["a.mp4"]);
  });
});

it("the type of a file is the same in SQL as in the code", async () => {
  const names = [
    "a.mp4",
    "B.MKV",
    "c.d.srt",
    "e.ogg",
    "f",
    ".mp4",
    "g.",
    "h.jpeg",
    "i.torrent",
    "j.m4a",
    "k.YML",
    "l.tar.gz",
  ];
  const { results } = await env.DB.prepare(
    `SELECT name, ${contentTypeSql("name")} AS type FROM (SELECT value AS name, 'file' AS kind FROM json_each(?))`,
  )
    .bind(JSON.stringify(names))
    .all<{ name: string; type: string }>();
  expect(results.map(({ type }) => type)).toEqual(names.map(contentTypeOf));
});
