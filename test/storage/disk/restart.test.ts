import { appendFile, link, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Journal } from "../../../edge/local/disk-store/journal.ts";
import { COMMIT_KEPT_MS, COMMITS_KEPT_MIN } from "../../../edge/local/disk-store/limits.ts";
import { intentFor, readAll, sampleBytes, sha256, Uploading } from "../uploading.ts";
import { adapterFor, type DiskUnderTest, openDisk, spawnService } from "./harness.ts";

const DAY_MS = 24 * 60 * 60_000;
let disk: DiskUnderTest;
beforeEach(async () => {
  disk = await openDisk();
});
afterEach(async () => {
  await disk.close();
});

const part = (upload: Uploading, suffix = "part") => join(disk.downloads, ".trawl", `${upload.uploadId}.${suffix}`);

/** An upload of three parts, all sent; ready to commit. */
async function sent(key = "videos/a.mp4", size = 20_000_000) {
  const bytes = sampleBytes(size);
  const upload = await new Uploading(disk, intentFor(key, bytes.length)).begin();
  const parts = await upload.putAll(bytes);
  return { bytes, upload, request: upload.commitRequest(bytes, parts) };
}

describe("after a restart the disk store", () => {
  it("goes on with an upload: parts acknowledged before still count", async () => {
    const bytes = sampleBytes(10_000_000);
    const upload = await new Uploading(disk, intentFor("a.mp4", bytes.length)).begin();
    const first = await upload.put(1, bytes.subarray(0, upload.partSize));
    await first.body?.cancel();
    await disk.restart();
    const second = await upload.put(2, bytes.subarray(upload.partSize));
    await second.body?.cancel();
    const etag = (response: Response) => response.headers.get("etag") ?? "";
    const parts = [
      { part_number: 1, etag: etag(first), size: upload.partSize },
      { part_number: 2, etag: etag(second), size: bytes.length - upload.partSize },
    ];
    expect(await disk.store.commit(upload.commitRequest(bytes, parts))).toMatchObject({ kind: "committed" });
    expect(sha256((await readAll(disk.store, "a.mp4")) ?? new Uint8Array())).toBe(sha256(bytes));
  });

  it("knows an upload by the id that the edge chose: asked to begin it again, it goes on", async () => {
    const id = disk.store.newUploadId?.() ?? "";
    const intent = intentFor("a.mp4", 10_000_000);
    const begun = await disk.store.begin(intent, id);
    expect(begun.uploadId).toBe(id);
    expect(await disk.store.begin(intent, id)).toEqual(begun);
    await disk.restart();
    expect(await disk.store.begin(intent, id)).toEqual(begun);
    expect(await disk.store.begin({ ...intent, key: "b.mp4" })).not.toMatchObject({ uploadId: id });
    expect(await disk.temporary()).toHaveLength(4);
  });

  it("reads a single part again, because the power may have failed in between", async () => {
    const { upload, request } = await sent("a.mp4", 10);
    await disk.restart();
    await writeFile(part(upload), sampleBytes(10, 2));
    expect(await disk.store.commit(request)).toEqual({ kind: "refused", code: "checksum_mismatch", permanent: false });
    expect(await disk.temporary()).toEqual([]);
  });

  it("answers a commit whose answer was lost", async () => {
    const { request } = await sent();
    const result = await disk.store.commit(request);
    await disk.restart();
    expect(await disk.store.commit(request)).toEqual(result);
    expect(await readdir(join(disk.downloads, "videos"))).toEqual(["a.mp4"]);
  });

  it("finishes a commit that was killed between link and unlink, under the name it had got", async () => {
    const { upload, request } = await sent("videos/a.mp4", 10);
    await disk.putForeign("videos/a.mp4", sampleBytes(3));
    await link(part(upload), join(disk.downloads, "videos/a (2).mp4"));
    await disk.restart();
    expect(await disk.temporary()).toEqual([]);
    expect(await disk.store.commit(request)).toMatchObject({ kind: "committed", key: "videos/a (2).mp4", size: 10 });
    expect(await readdir(join(disk.downloads, "videos"))).toEqual(["a (2).mp4", "a.mp4"]);
  });

  it("does the same without a restart, when only the journal could not be written", async () => {
    const { upload, request } = await sent("videos/a.mp4", 10);
    await mkdir(join(disk.downloads, "videos"));
    await link(part(upload), join(disk.downloads, "videos/a.mp4"));
    expect(await disk.store.commit(request)).toMatchObject({ kind: "committed", key: "videos/a.mp4" });
    expect(await readdir(join(disk.downloads, "videos"))).toEqual(["a.mp4"]);
  });

  it("removes what was never acknowledged, and reads past a torn log line", async () => {
    const { upload, request } = await sent("a.mp4", 10);
    await appendFile(part(upload, "log"), '{"part":1,"si');
    await writeFile(join(disk.downloads, ".trawl", `${"a".repeat(32)}.part`), "debris");
    await writeFile(join(disk.downloads, ".trawl", `${"b".repeat(32)}.log`), "");
    await disk.restart();
    expect(await disk.temporary()).toHaveLength(2);
    expect(await disk.store.commit(request)).toMatchObject({ kind: "committed" });
    expect(await disk.temporary()).toEqual([]);
  });

  it("refuses the commit of an upload that it does not know, so that the job repeats", async () => {
    const { upload, request } = await sent("a.mp4", 10);
    await rm(part(upload));
    expect(await disk.store.commit(request)).toMatchObject({ kind: "refused", permanent: false });
    expect(await disk.store.commit({ ...request, uploadId: "f".repeat(32) })).toEqual({
      kind: "refused",
      code: "unknown_upload",
      permanent: false,
    });
  });

  it("is asked again when it cannot be reached", async () => {
    const store = adapterFor({ ...disk.service, url: "http://127.0.0.1:9" });
    const { request } = await sent("a.mp4", 10);
    expect(await store.commit(request)).toEqual({ kind: "unavailable", code: "unreachable" });
  });
});

describe("the sweep", () => {
  it("takes uploads that nobody touched for a day, and debris", async () => {
    const { request } = await sent("a.mp4", 10);
    await writeFile(join(disk.downloads, ".trawl", `${"a".repeat(32)}.part`), "debris");
    expect(await disk.store.sweep(Date.now())).toBe(1);
    expect(await disk.store.sweep(Date.now() + DAY_MS - 60_000)).toBe(0);
    expect(await disk.store.sweep(Date.now() + DAY_MS + 60_000)).toBe(1);
    expect(await disk.temporary()).toEqual([]);
    expect(await disk.store.commit(request)).toMatchObject({ kind: "refused" });
  });
});

describe("the journal", () => {
  it("remembers the newest commits however old, and forgets others after an hour", async () => {
    const folder = join(disk.downloads, "journal-test");
    await mkdir(folder);
    const journal = await Journal.open(folder);
    const record = (n: number) => ({
      upload: `u${n}`,
      job: "j",
      token: "1.1",
      key: `k${n}`,
      size: 1,
      etag: '"e"',
      at: n,
    });
    for (let n = 0; n < COMMITS_KEPT_MIN + 50; n++) void journal.recordCommit(record(n));
    await journal.prune(COMMIT_KEPT_MS + 10);
    expect(journal.commitOf("u0")).toBeUndefined();
    expect(journal.commitOf("u9")).toBeUndefined();
    expect(journal.commitOf("u10")).toBeDefined();
    await journal.prune(100 * COMMIT_KEPT_MS);
    await journal.recordFolder("kept", "made");
    await journal.close();
    const again = await Journal.open(folder);
    expect(again.commitOf("u49")).toBeUndefined();
    expect(again.commitOf("u50")).toEqual(record(50));
    expect(again.madeFolder("kept")).toBe(true);
    await again.close();
    expect((await stat(join(folder, "journal.jsonl"))).size).toBeLessThan(200_000);
  });
});

describe("a service that is killed with SIGKILL", () => {
  it("keeps acknowledged parts and answered commits", async () => {
    await disk.service.close();
    await using first = await spawnService(disk.downloads);
    disk.service = { ...disk.service, ...first };
    disk.store = adapterFor(disk.service);
    const done = await sent("videos/done.mp4", 10);
    const result = await disk.store.commit(done.request);
    const open = await sent("videos/open.mp4");
    await first.kill();

    await using second = await spawnService(disk.downloads);
    disk.store = adapterFor({ ...disk.service, ...second });
    expect(await disk.store.commit(done.request)).toEqual(result);
    expect(await disk.store.commit(open.request)).toMatchObject({ kind: "committed", key: "videos/open.mp4" });
    expect(await disk.temporary()).toEqual([]);
    expect(await readdir(join(disk.downloads, "videos"))).toEqual(["done.mp4", "open.mp4"]);
    disk.service = { ...disk.service, close: () => Promise.resolve() };
  });
});
