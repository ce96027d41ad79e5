import { appendFile, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CommitResult } from "../../../edge/storage/port.ts";
import { intentFor, readAll, sampleBytes, sha256, Uploading } from "../uploading.ts";
import { type DiskUnderTest, etagOf, openDisk } from "./harness.ts";

let disk: DiskUnderTest;
beforeEach(async () => {
  disk = await openDisk();
});
afterEach(async () => {
  await disk.close();
});

const deliver = (key: string, bytes?: Uint8Array) => disk.deliver(key, bytes);
const exists = (key: string) => disk.exists(key);
const keyOf = (result: CommitResult) => (result.kind === "committed" ? result.key : result.kind);

describe("names on the disk store", () => {
  it("makes each object a plain file under its key", async () => {
    await deliver("videos/Shows/a.mp4");
    expect(new Uint8Array(await readFile(disk.at("videos/Shows/a.mp4")))).toEqual(sampleBytes(10));
  });

  it("counts on from taken names, before the whole extension", async () => {
    expect(keyOf(await deliver("v/a.mp4"))).toBe("v/a.mp4");
    expect(keyOf(await deliver("v/a.mp4"))).toBe("v/a (2).mp4");
    expect(keyOf(await deliver("v/a.mp4"))).toBe("v/a (3).mp4");
    expect(keyOf(await deliver("v/a (2).mp4"))).toBe("v/a (4).mp4");
    expect(keyOf(await deliver("v/a.m4a"))).toBe("v/a.m4a");
    expect(keyOf(await deliver("v/a.en.vtt"))).toBe("v/a.en.vtt");
    expect(keyOf(await deliver("v/a.en.vtt"))).toBe("v/a (2).en.vtt");
    expect(keyOf(await deliver("v/none"))).toBe("v/none");
    expect(keyOf(await deliver("v/none"))).toBe("v/none (2)");
  });

  it("treats names that differ in case or in Unicode form as one", async () => {
    await disk.putForeign("v/Café.mp4", sampleBytes(1));
    expect(keyOf(await deliver("v/CAFÉ.mp4"))).toBe("v/CAFÉ (2).mp4");
    expect(keyOf(await deliver("v/Cafe\u0301.mp4"))).toBe("v/Cafe\u0301 (3).mp4");
  });

  it("sees a name that someone took after we looked at the folder", async () => {
    await deliver("v/a.mp4");
    await disk.putForeign("v/B.mp4", sampleBytes(1));
    expect(keyOf(await deliver("v/b.mp4"))).toBe("v/b (2).mp4");
  });

  it("keeps a suffixed name within 200 bytes", async () => {
    const stem = "é".repeat(100);
    await deliver(`${stem}.mp4`);
    const key = keyOf(await deliver(`${stem}.mp4`));
    expect(key).toMatch(/^é+ \(2\)\.mp4$/);
    expect(Buffer.byteLength(key.replace(".mp4", ""))).toBeLessThanOrEqual(200);
  });

  it("gives parallel commits under one key a name each", async () => {
    const keys = await Promise.all(
      Array.from({ length: 8 }, (_, n) => deliver("v/a.mp4", sampleBytes(10, n)).then(keyOf)),
    );
    expect(new Set(keys).size).toBe(8);
    expect(await readdir(disk.at("v"))).toHaveLength(8);
  });
});

describe("the downloads folder", () => {
  it.each([
    "../a.mp4",
    "v/../../a.mp4",
    "/etc/a.mp4",
    "v//a.mp4",
    "v/./a.mp4",
    "v/..",
    "v/a\u0000.mp4",
    "v\\..\\..\\a.mp4",
    ".trawl/a.mp4",
    ".TRAWL/journal.jsonl",
    ".trawl",
    ".tra\u200cwl/a.mp4",
    ".tr\u00adawl/a.mp4",
    ".trawl\ufeff/a.mp4",
    "\uff0etrawl/a.mp4",
    ".trawl./a.mp4",
    ".trawl /a.mp4",
    ".trawl. ./a.mp4",
    "v/",
    `${"x".repeat(256)}.mp4`,
  ])("is not left by the key %j", async (key) => {
    await expect(disk.store.begin(intentFor(key, 10))).rejects.toThrow("bad_key");
    await expect(disk.store.head(key)).rejects.toThrow("bad_key");
    await expect(disk.store.delete(key, '"x"')).rejects.toThrow("bad_key");
    expect(await disk.temporary()).toEqual([]);
  });

  it("is not left through a symbolic link", async () => {
    const outside = await mkdtemp(join(tmpdir(), "trawl-outside-"));
    try {
      await writeFile(join(outside, "secret.mp4"), "secret");
      await symlink(outside, disk.at("link"));
      await symlink(join(outside, "secret.mp4"), disk.at("file.mp4"));
      expect(await deliver("link/a.mp4")).toEqual({ kind: "refused", code: "bad_key", permanent: true });
      expect(await deliver("link/deep/a.mp4")).toEqual({ kind: "refused", code: "bad_key", permanent: true });
      expect(await disk.store.head("link/secret.mp4")).toBeNull();
      expect(await disk.store.read("link/secret.mp4", null, null)).toBeNull();
      expect(await disk.store.head("file.mp4")).toBeNull();
      expect(await disk.store.read("file.mp4", null, null)).toBeNull();
      expect(keyOf(await deliver("file.mp4"))).toBe("file (2).mp4");
      expect(await readdir(outside)).toEqual(["secret.mp4"]);
      expect(await disk.temporary()).toEqual([]);
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it("refuses a key whose folder is a file", async () => {
    await deliver("v");
    expect(await deliver("v/a.mp4")).toMatchObject({ kind: "refused", permanent: true });
    expect(await disk.store.head("v/a.mp4")).toBeNull();
  });

  it("loses the folders that we made with their last file, and no others", async () => {
    await mkdir(disk.at("mine"));
    const deep = await deliver("mine/ours/deep/a.mp4");
    const beside = await deliver("mine/ours/b.mp4");
    await disk.store.delete("mine/ours/deep/a.mp4", etagOf(deep));
    expect(await exists("mine/ours/deep")).toBe(false);
    expect(await exists("mine/ours")).toBe(true);
    await disk.restart();
    await disk.store.delete("mine/ours/b.mp4", etagOf(beside));
    expect(await exists("mine/ours")).toBe(false);
    expect(await exists("mine")).toBe(true);
  });

  it("holds no temp file once every upload has ended", async () => {
    const open = await new Uploading(disk, intentFor("b.mp4", 10)).begin();
    await deliver("a.mp4");
    await disk.store.abort(open.uploadId, "b.mp4");
    expect(await disk.temporary()).toEqual([]);
    expect(await readdir(disk.downloads)).toEqual([".trawl", "a.mp4"]);
  });
});

describe("accounts on the disk store", () => {
  it("have folders of their own: the same name lies in each, and none reaches another's", async () => {
    expect(keyOf(await deliver("videos/a.mp4", sampleBytes(10, 1)))).toBe("videos/a.mp4");
    expect(keyOf(await deliver("@acct/videos/a.mp4", sampleBytes(10, 2)))).toBe("@acct/videos/a.mp4");
    await expect(disk.store.head("@acct/../videos/a.mp4")).rejects.toThrow("bad_key");
    expect(await readAll(disk.store, "videos/a.mp4")).toEqual(sampleBytes(10, 1));
    expect(await readAll(disk.store, "@acct/videos/a.mp4")).toEqual(sampleBytes(10, 2));
  });
});

describe("a downloads folder that is away", () => {
  it("has no file that is gone: everything waits until it is there again", async () => {
    const etag = etagOf(await deliver("videos/a.mp4"));
    const elsewhere = `${disk.downloads}-unmounted`;
    await rename(disk.downloads, elsewhere);
    await mkdir(disk.downloads);
    try {
      const away = { code: "downloads_missing", fault: "unavailable" };
      await expect(disk.store.head("videos/a.mp4")).rejects.toMatchObject(away);
      await expect(disk.store.read("videos/a.mp4", null, etag)).rejects.toMatchObject(away);
      await expect(disk.store.delete("videos/a.mp4", etag)).rejects.toMatchObject(away);
    } finally {
      await rm(disk.downloads, { recursive: true });
      await rename(elsewhere, disk.downloads);
    }
    expect(await readAll(disk.store, "videos/a.mp4")).toEqual(sampleBytes(10));
    expect(await disk.store.delete("videos/a.mp4", etag)).toBe(true);
    expect(await disk.store.head("videos/a.mp4")).toBeNull();
  });
});

describe("a file that its owner touched", () => {
  it("while it is sent is cut instead of completed", async () => {
    const size = 8 * 1_048_576;
    const etag = etagOf(await deliver("a.mp4", sampleBytes(size)));
    const stream = await disk.store.read("a.mp4", null, etag);
    const reader = stream?.getReader();
    expect((await reader?.read())?.done).toBe(false);
    await appendFile(disk.at("a.mp4"), "more");
    const rest = async () => {
      while (!(await reader?.read())?.done);
    };
    await expect(rest()).rejects.toThrow();
    expect(await disk.store.read("a.mp4", null, etag)).toBeNull();
  });

  it("by putting another in its place is read to its end by whoever has it open", async () => {
    const bytes = sampleBytes(8 * 1_048_576);
    const etag = etagOf(await deliver("a.mp4", bytes));
    const stream = await disk.store.read("a.mp4", null, etag);
    await writeFile(disk.at("b.mp4"), sampleBytes(10, 2));
    await rename(disk.at("b.mp4"), disk.at("a.mp4"));
    expect(sha256(new Uint8Array(await new Response(stream).arrayBuffer()))).toBe(sha256(bytes));
    expect(await disk.store.read("a.mp4", null, etag)).toBeNull();
  });

  it("is no longer ours once changed: another ETag, not deleted", async () => {
    const etag = etagOf(await deliver("a.mp4"));
    await writeFile(disk.at("a.mp4"), sampleBytes(10, 2));
    expect((await disk.store.head("a.mp4"))?.etag).not.toBe(etag);
    expect(await disk.store.delete("a.mp4", etag)).toBe(false);
    expect(await exists("a.mp4")).toBe(true);
  });

  it("is gone once deleted or moved", async () => {
    const etag = etagOf(await deliver("a.mp4"));
    await rename(disk.at("a.mp4"), disk.at("b.mp4"));
    expect(await disk.store.head("a.mp4")).toBeNull();
    expect(await readAll(disk.store, "a.mp4")).toBeNull();
    expect(await disk.store.delete("a.mp4", etag)).toBe(false);
    expect((await disk.store.head("b.mp4"))?.etag).toBe(etag);
  });

  it("is not an object once it is a folder", async () => {
    await mkdir(disk.at("a.mp4"));
    expect(await disk.store.head("a.mp4")).toBeNull();
    expect(await disk.store.read("a.mp4", null, null)).toBeNull();
    expect((await lstat(disk.at("a.mp4"))).isDirectory()).toBe(true);
  });
});
