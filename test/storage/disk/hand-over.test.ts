/** A node on the store's machine hands its file over: nothing is sent, and the store believes no more than it otherwise would. */
import { chmod, link, mkdir, mkdtemp, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { IN_PLACE_HEADER } from "../../../shared/in-place.ts";
import { testDir } from "../../leaks.ts";
import { generateFile } from "../generated-file.ts";
import { sendFile, type Way } from "../send-file.ts";
import { intentFor, Uploading } from "../uploading.ts";
import { type DiskUnderTest, openDisk } from "./harness.ts";

const KEY = "videos/a.mp4";
/** Three parts. */
const BYTES = 20_000_000;

let disk: DiskUnderTest;
beforeEach(async () => {
  disk = await openDisk();
});
afterEach(() => disk.close());

async function fileOf(size: number) {
  const file = await generateFile(join(await testDir("handed"), "output.mp4"), size);
  await chmod(file.path, 0o600);
  return file;
}

const send = (file: { path: string; size: number }, more: Way = {}) =>
  sendFile(disk, file, KEY, { handOverDir: disk.service.uploadsDir, ...more });

describe("a file that is handed over", () => {
  it.each([0, 1, 8_388_608, BYTES])("of %i bytes is the object itself, not a copy", async (size) => {
    const file = await fileOf(size);
    const old = new Date("2024-01-15T12:00:00Z");
    await utimes(file.path, old, old);
    const { ino } = await stat(file.path);
    const sent = await send(file);
    expect(sent.uploaded).toMatchObject({ retries: 0, entry: { size } });
    expect(sent.uploaded.entry, "nobody but the store counts").not.toHaveProperty("sha256");
    expect(await sent.commit()).toMatchObject({ kind: "committed", key: KEY, size, sha256: file.sha256 });
    const object = await stat(join(disk.downloads, KEY));
    expect([object.ino, object.nlink]).toEqual([ino, 1]);
    // As any file of the store's, and not as the node had it.
    await writeFile(join(disk.downloads, "other"), "");
    expect(object.mode).toBe((await stat(join(disk.downloads, "other"))).mode);
    expect(object.mtimeMs).toBeGreaterThan(old.getTime() + 86_400_000);
    expect(await disk.temporary()).toEqual([]);
  });

  it("survives the store's restart before its commit", async () => {
    const file = await fileOf(BYTES);
    const sent = await send(file);
    await disk.restart();
    const { sha256 } = file;
    expect(await disk.store.commit(sent.request)).toMatchObject({ kind: "committed", size: BYTES, sha256 });
  });

  it("has its hash told again when the answer to its commit was lost", async () => {
    const file = await fileOf(BYTES);
    const sent = await send(file);
    const result = await sent.commit();
    await disk.restart();
    expect(result).toMatchObject({ kind: "committed", sha256: file.sha256 });
    expect(await disk.store.commit(sent.request)).toEqual(result);
  });

  it("has its hash counted anew when the store was killed after it had given it its name", async () => {
    const file = await fileOf(BYTES);
    const sent = await send(file);
    const [name = ""] = (await disk.temporary()).filter((each) => each.endsWith(".part"));
    await mkdir(dirname(join(disk.downloads, KEY)), { recursive: true });
    await link(join(disk.service.uploadsDir, name), join(disk.downloads, KEY));
    await disk.restart();
    expect(await disk.store.commit(sent.request)).toMatchObject({ kind: "committed", key: KEY, sha256: file.sha256 });
  });

  it.each([
    ["is refused at the commit", false, "not_as_claimed"],
    ["is refused for what it holds, if its node has counted", true, "checksum_mismatch"],
  ])("and changed afterwards %s", async (_, counted, code) => {
    const file = await fileOf(BYTES);
    const sent = await send(file);
    const [name] = (await disk.temporary()).filter((each) => each.endsWith(".part"));
    const bytes = await readFile(join(disk.service.uploadsDir, name ?? ""));
    bytes[BYTES - 1] = (bytes[BYTES - 1] ?? 0) ^ 1;
    await writeFile(join(disk.service.uploadsDir, name ?? ""), bytes);
    // Hashed up to here at the most; a store that starts again hashes all.
    await disk.restart();
    const request = { ...sent.request, sha256: counted ? file.sha256 : null };
    expect(await disk.store.commit(request)).toMatchObject({ kind: "refused", code });
    expect(await disk.store.head(KEY)).toBeNull();
  });

  it("goes with its upload when that is aborted", async () => {
    const sent = await send(await fileOf(BYTES));
    await disk.store.abort(sent.request.uploadId, KEY);
    expect(await disk.temporary()).toEqual([]);
  });
});

describe("a file is sent like any other", () => {
  it("from another file system", async () => {
    const elsewhere = await mkdtemp("/dev/shm/trawl-");
    try {
      const file = await generateFile(join(elsewhere, "output.mp4"), BYTES);
      const sent = await send(file);
      expect(await sent.commit()).toMatchObject({ kind: "committed", size: BYTES });
      expect((await stat(file.path)).size).toBe(BYTES);
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it("when it has a second name, under which it could be changed later", async () => {
    const file = await fileOf(BYTES);
    await link(file.path, `${file.path}.other`);
    const sent = await send(file);
    expect(await sent.commit()).toMatchObject({ kind: "committed" });
    expect((await stat(join(disk.downloads, KEY))).ino).not.toBe((await stat(file.path)).ino);
  });

  it("when the store of its upload is another one", async () => {
    const file = await fileOf(10);
    const sent = await send(file, { handOverDir: await testDir("nowhere") });
    expect(await sent.commit()).toMatchObject({ kind: "committed" });
    expect((await stat(file.path)).size).toBe(10);
  });
});

it("a file that was sent is not committed without a hash of who sent it", async () => {
  const sent = await send(await fileOf(BYTES), { handOverDir: await testDir("nowhere") });
  expect(sent.request.sha256).toMatch(/^[0-9a-f]{64}$/);
  const uncounted = await disk.store.commit({ ...sent.request, sha256: null });
  expect(uncounted).toMatchObject({ kind: "refused", code: "not_as_claimed" });
  expect(await disk.store.head(KEY)).toBeNull();
});

describe("a claim of a part", () => {
  it("of bytes that are not there leaves an acknowledged part as it was", async () => {
    const bytes = Buffer.from("0123456789");
    const upload = await new Uploading(disk, intentFor(KEY, null)).begin();
    const parts = await upload.putAll(bytes);
    const headers = { [IN_PLACE_HEADER]: "11" };
    const response = await fetch(await upload.url(1), { method: "PUT", headers });
    expect([response.status, await response.json()]).toEqual([409, { error: "not_in_place" }]);
    expect(await disk.store.commit(upload.commitRequest(bytes, parts))).toMatchObject({ kind: "committed", size: 10 });
  });

  const claim = async (size: string) => {
    const upload = await new Uploading(disk, intentFor(KEY, 10)).begin();
    return fetch(await upload.url(1), { method: "PUT", headers: { [IN_PLACE_HEADER]: size } });
  };

  it.each([
    ["of bytes that nobody put there", "10", 409, "not_in_place"],
    ["of more than the part may have", "11", 413, "part_too_large"],
    ["that is no number", "ten", 400, "bad_claim"],
  ])("%s is refused", async (_, size, status, error) => {
    const response = await claim(size);
    expect([response.status, await response.json()]).toEqual([status, { error }]);
  });
});
