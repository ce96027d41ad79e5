/** The operator's retention of managed files (jobs API 11.2), and deletions that broke off (docs/decisions/028). */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { openManagedStore } from "../../../edge/storage/open-store.ts";
import { deliver, newBucket, s3, useStorage } from "../storage/support.ts";
import { newAccount, refusal } from "../support.ts";
import { DAY, delivered, faultAt, isStored, MINUTE, partitionsAway, runFiles, statusOf } from "./support.ts";

const setRow = (fileId: string, changes: { erase_at?: number; deleted_at?: number }) =>
  env.DB.prepare("UPDATE files SET erase_at = ?, deleted_at = ? WHERE file_id = ?")
    .bind(changes.erase_at ?? null, changes.deleted_at ?? null, fileId)
    .run();

const rowOf = (fileId: string) =>
  env.DB.prepare("SELECT deleted_at, erase_at FROM files WHERE file_id = ?")
    .bind(fileId)
    .first<{ deleted_at: number | null; erase_at: number | null }>();

describe("TRAWL_RETENTION_DAYS", () => {
  it("takes a managed file so long after its job ended and not sooner; the record and the usage stay", async () => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes", { filename: "talk" });
    await runFiles(7 * DAY - MINUTE);
    expect([await isStored(file.storeKey), await statusOf(file.url)]).toEqual([true, 200]);

    await runFiles(7 * DAY + MINUTE);
    expect([await isStored(file.storeKey), await statusOf(file.url)]).toEqual([false, 403]);
    const { body } = await account.api("GET", `/jobs/${file.id}`);
    expect(body).toMatchObject({ status: "Completed", s3_url: null, files: [], file_size: 9 });
    const list = await account.api<{ jobs: { s3_key: string | null }[]; total: number }>("GET", "/jobs");
    expect([list.body.jobs[0]?.s3_key, list.body.total]).toEqual([null, 1]);
    expect(refusal(await account.api("DELETE", `/jobs/${file.id}/file`)).error).toBe("Job has no file to delete");
    expect((await account.api("GET", `/api/download/${file.id}/file`)).body).toEqual({
      detail: "File no longer exists",
    });
    expect((await account.api("GET", "/dashboard/stats")).body).toMatchObject({ storage_used_bytes: 9 });
    expect(await rowOf(file.fileId)).toEqual({ deleted_at: expect.any(Number), erase_at: null });
  });

  it("frees the name", async () => {
    const account = await newAccount();
    const first = await delivered(account, "the bytes", { filename: "talk" });
    await runFiles(8 * DAY);
    const second = await delivered(account, "other bytes", { filename: "talk" });
    expect(second.storeKey).toBe(first.storeKey);
  });

  it.each(["0", "", "never", "-1"])("is off when it is %j", async (days) => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes");
    await runFiles(9_999 * DAY, days);
    expect(await isStored(file.storeKey)).toBe(true);
  });

  it("never touches a customer's bucket", async () => {
    const account = await newAccount();
    const bucket = newBucket("retention");
    await useStorage(account, bucket);
    const job = await deliver(account, "theirs", { filename: "talk" });
    await account.api("GET", "/jobs");
    await runFiles(9_999 * DAY);
    expect((await s3.look(bucket)).objects).toEqual({ "videos/talk.mp4": "theirs" });
    expect((await account.api("GET", `/jobs/${job.id}`)).body.s3_url).toEqual(expect.any(String));
  });

  it("leaves an object that somebody put in the place of ours, and tells that ours is gone", async () => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes");
    const managed = openManagedStore(env);
    await managed.delete(file.storeKey, file.etag);
    await env.STORE?.fetch(`http://store/fake/object?key=${encodeURIComponent(file.storeKey)}`, {
      method: "PUT",
      body: "somebody else's",
    });
    await runFiles(8 * DAY);
    expect(await isStored(file.storeKey)).toBe(true);
    expect((await account.api("GET", `/jobs/${file.id}`)).body).toMatchObject({ s3_url: null, files: [] });
  });

  it("goes on after the store was away, and a file that fails does not hold up the others", async () => {
    const account = await newAccount();
    const stuck = await delivered(account, "stuck", { filename: "stuck" });
    const free = await delivered(account, "free", { filename: "free" });
    await faultAt("delete", stuck.storeKey);
    expect(await runFiles(8 * DAY)).toMatchObject({ failed: 1 });
    expect([await isStored(stuck.storeKey), await isStored(free.storeKey)]).toEqual([true, false]);
    expect(await statusOf(stuck.url)).toBe(200);
    await runFiles(8 * DAY + MINUTE);
    expect(await isStored(stuck.storeKey)).toBe(true);
    await runFiles(8 * DAY + 20 * MINUTE);
    expect([await isStored(stuck.storeKey), await statusOf(stuck.url)]).toEqual([false, 403]);
  });

  it("frees the names once the partition answers again", async () => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes", { filename: "talk" });
    await runFiles(8 * DAY, "7", { PARTITION: partitionsAway });
    expect(await isStored(file.storeKey)).toBe(false);
    const beside = await delivered(account, "beside", { filename: "talk" });
    expect(beside.storeKey).toBe(file.storeKey.replace(".mp4", " (2).mp4"));
    await runFiles(8 * DAY + 20 * MINUTE);
    expect(await rowOf(file.fileId)).toMatchObject({ erase_at: null });
    expect((await delivered(account, "again", { filename: "talk" })).storeKey).toBe(file.storeKey);
  });
});

describe("a deletion that broke off", () => {
  it("after it was asked for is finished by the sweep, without any retention", async () => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes");
    await faultAt("delete", file.storeKey);
    const answer = await account.api("DELETE", `/jobs/${file.id}/file`);
    expect(refusal(answer)).toEqual({ status: 503, error: "Storage is unavailable: eio" });
    // A request may still be at work on it.
    await runFiles(0, "0");
    expect(await isStored(file.storeKey)).toBe(true);
    await runFiles(2 * MINUTE, "0");
    expect([await isStored(file.storeKey), await statusOf(file.url)]).toEqual([false, 403]);
  });

  it("after the bytes went is finished by a repeat", async () => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes", { filename: "talk" });
    await setRow(file.fileId, { erase_at: Date.now() });
    await openManagedStore(env).delete(file.storeKey, file.etag);
    expect((await account.api("DELETE", `/jobs/${file.id}/file`)).status).toBe(200);
    expect(await rowOf(file.fileId)).toEqual({ deleted_at: expect.any(Number), erase_at: null });
    expect((await delivered(account, "again", { filename: "talk" })).storeKey).toBe(file.storeKey);
  });

  it("before the name was free never takes the next file under it, though its bytes are the same", async () => {
    const account = await newAccount();
    const first = await delivered(account, "the same bytes", { filename: "talk" });
    expect((await account.api("DELETE", `/jobs/${first.id}/file`)).status).toBe(200);
    const second = await delivered(account, "the same bytes", { filename: "talk" });
    expect([second.storeKey, second.etag]).toEqual([first.storeKey, first.etag]);
    await setRow(first.fileId, { deleted_at: Date.now(), erase_at: Date.now() });
    await runFiles(2 * MINUTE, "0");
    expect(await statusOf(second.url)).toBe(200);
    expect(await rowOf(first.fileId)).toMatchObject({ erase_at: null });
    // Its name is still its own.
    expect((await delivered(account, "third", { filename: "talk" })).storeKey).not.toBe(first.storeKey);
  });

  it("is no file that was deleted by hand: that one is told as none of ours", async () => {
    const account = await newAccount();
    const file = await delivered(account, "the bytes");
    await faultAt("head", file.storeKey);
    // A store that does not answer has not said that the file is gone.
    expect((await account.api("GET", `/jobs/${file.id}`)).body.s3_url).toEqual(expect.any(String));
    await openManagedStore(env).delete(file.storeKey, file.etag);
    expect(await statusOf(file.url)).toBe(404);
    const { body } = await account.api("GET", `/jobs/${file.id}`);
    expect(body).toMatchObject({ status: "Completed", s3_url: null, files: [{ url: null }] });
    expect(refusal(await account.api("DELETE", `/jobs/${file.id}/file`))).toEqual({
      status: 400,
      error: "Job has no file to delete",
    });
  });
});
