/** The tree over R2, whose keys nobody sees (library API 9.1): a move is one of rows alone. */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { findRow } from "../../../../edge/db/tree.ts";
import type { Env } from "../../../../edge/env.ts";
import type { TreeChange } from "../../../../edge/library/tree/change-tree.ts";
import { compareFolder, lookAt } from "../../../../edge/library/tree/compare.ts";
import { deleteEntry } from "../../../../edge/library/tree/delete-entry.ts";
import { moveEntry } from "../../../../edge/library/tree/move-entry.ts";
import { openTree } from "../../../../edge/library/tree/open-tree.ts";
import { PARTITION } from "../../fleet-node.ts";
import { type Account, newAccount } from "../../support.ts";
import { treeRows } from "./support.ts";

const r2: Env = { ...env, TRAWL_STORE: "r2" };
const stub = env.PARTITION.getByName(PARTITION);

function changeOf(account: Account): TreeChange {
  const tree = openTree(r2, { id: account.id, store_prefix: `@${account.id}/` });
  return { env: r2, log: () => {}, tree, partition: PARTITION };
}

/** An object in R2 with its row, as a job leaves them. */
async function put(account: Account, path: string) {
  const key = `@${account.id}/${path}`;
  const object = await r2.FILES?.put(key, path);
  const file = { id: crypto.randomUUID(), job: crypto.randomUUID(), key };
  await env.DB.prepare(
    `INSERT INTO files (file_id, job_id, account_id, kind, path, store_key, target_id, size, content_type, etag, created_at)
     VALUES (?, ?, ?, 'media', ?, ?, 'managed', ?, 'video/mp4', ?, 1)`,
  )
    .bind(file.id, file.job, account.id, path, key, path.length, object?.httpEtag ?? "")
    .run();
  return file;
}

async function move(account: Account, from: string, to: string): Promise<void> {
  const row = await findRow(env.DB, account.id, from);
  if (row === null) throw new Error(`no row ${from}`);
  await moveEntry(changeOf(account), row, to);
}

let account: Account;
beforeAll(async () => {
  account = await newAccount();
});

describe("a file whose key is private", () => {
  it("is another row after a move, and the same object; its old key stays its job's until it is deleted", async () => {
    const { id, job, key } = await put(account, "videos/a.mp4");
    await move(account, "videos/a.mp4", "b.mp4");
    expect(await treeRows(account)).toEqual(["b.mp4"]);
    const file = await env.DB.prepare("SELECT path, store_key FROM files WHERE file_id = ?").bind(id).first();
    expect(file).toEqual({ path: "b.mp4", store_key: key });
    const row = await lookAt(changeOf(account).tree, "b.mp4");
    expect(row).toMatchObject({ store_key: key, job_id: job });

    const other = { job: crypto.randomUUID(), file: crypto.randomUUID(), from: "x.mp4", storeKey: "" };
    expect(await stub.claimNames(account.id, [{ ...other, to: "b.mp4" }])).toBe(false);
    if (row !== null) await deleteEntry(changeOf(account), row);
    expect([await r2.FILES?.head(key), await treeRows(account)]).toEqual([null, []]);
    expect(await stub.claimNames(account.id, [{ ...other, to: "b.mp4" }])).toBe(true);
  });

  it("moves with its folder", async () => {
    const { id, key } = await put(account, "m/in/a.mp4");
    await put(account, "n/b.mp4");
    await move(account, "m", "n/m");
    expect(await treeRows(account)).toEqual(["n/", "n/b.mp4", "n/m/", "n/m/in/", "n/m/in/a.mp4"]);
    const file = await env.DB.prepare("SELECT path, store_key FROM files WHERE file_id = ?").bind(id).first();
    expect(file).toEqual({ path: "n/m/in/a.mp4", store_key: key });
  });

  it("never lands on another, which another job may have just put there", async () => {
    await put(account, "p/a.mp4");
    await put(account, "p/b.mp4");
    await expect(move(account, "p/a.mp4", "p/b.mp4")).rejects.toThrow("Destination already exists.");
    expect((await treeRows(account)).filter((path) => path.startsWith("p/"))).toEqual(["p/", "p/a.mp4", "p/b.mp4"]);
  });

  it("gets a place that two want at once only for one of them", async () => {
    await put(account, "r/a.mp4");
    await put(account, "r/b.mp4");
    const moves = await Promise.allSettled([move(account, "r/a.mp4", "r/c.mp4"), move(account, "r/b.mp4", "r/c.mp4")]);
    expect(moves.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const there = (await treeRows(account)).filter((path) => path.startsWith("r/"));
    expect([there.length, there.at(-1)]).toEqual([3, "r/c.mp4"]);
  });

  it("has nothing to be compared with: its row is all there is", async () => {
    await put(account, "q/a.mp4");
    expect(await compareFolder(changeOf(account).tree, "q", null)).toEqual({ changed: 0, next: null });
  });
});
