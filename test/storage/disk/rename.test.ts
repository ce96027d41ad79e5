import { link, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readAll, sampleBytes } from "../uploading.ts";
import { adapterFor, type DiskUnderTest, etagOf, openDisk, SECRET, spawnService } from "./harness.ts";

let disk: DiskUnderTest;
beforeEach(async () => {
  disk = await openDisk();
});
afterEach(async () => {
  await disk.close();
});

/** The ETag of a new object under this key. */
async function deliver(key: string, bytes?: Uint8Array): Promise<string> {
  const result = await disk.deliver(key, bytes);
  expect(result).toMatchObject({ kind: "committed", key });
  return etagOf(result);
}

const at = (key: string) => disk.at(key);
const names = async (folder = "") => (await readdir(at(folder))).filter((name) => name !== ".trawl").toSorted();
const exists = (key: string) => disk.exists(key);

describe("a rename on the disk store", () => {
  it("gives the file another name in its folder, and leaves the ETag as it was", async () => {
    const etag = await deliver("v/a.mp4");
    const { ino } = await lstat(at("v/a.mp4"));
    expect(await disk.store.rename("v/a.mp4", "v/b.mp4", etag)).toEqual({ kind: "renamed", etag });
    expect(await names("v")).toEqual(["b.mp4"]);
    expect((await lstat(at("v/b.mp4"))).ino).toBe(ino);
    expect(await disk.store.head("v/b.mp4")).toMatchObject({ etag, size: 10 });
    expect(await disk.store.head("v/a.mp4")).toBeNull();
    expect(await readAll(disk.store, "v/b.mp4")).toEqual(sampleBytes(10));
  });

  it("sets the old name free for the next file at once", async () => {
    const etag = await deliver("v/a.mp4");
    await disk.store.rename("v/a.mp4", "v/b.mp4", etag);
    await deliver("v/a.mp4", sampleBytes(10, 2));
    expect(await names("v")).toEqual(["a.mp4", "b.mp4"]);
  });

  it("moves between folders: makes the new ones, and removes its own that are empty, but nobody else's", async () => {
    await mkdir(at("mine"));
    const etag = await deliver("mine/ours/deep/a.mp4");
    expect(await disk.store.rename("mine/ours/deep/a.mp4", "new/deeper/a.mp4", etag)).toEqual({
      kind: "renamed",
      etag,
    });
    expect(await names()).toEqual(["mine", "new"]);
    expect(await names("mine")).toEqual([]);
    expect(await disk.store.rename("new/deeper/a.mp4", "a.mp4", etag)).toEqual({ kind: "renamed", etag });
    expect(await names()).toEqual(["a.mp4", "mine"]);
    await disk.restart();
    expect(await disk.store.rename("a.mp4", "mine/back/a.mp4", etag)).toEqual({ kind: "renamed", etag });
    expect(await names()).toEqual(["mine"]);
    await disk.store.delete("mine/back/a.mp4", etag);
    expect(await names("mine")).toEqual([]);
  });

  it("keeps a folder in which something is left", async () => {
    const etag = await deliver("v/a.mp4");
    await deliver("v/a.en.vtt", sampleBytes(3));
    await disk.store.rename("v/a.mp4", "w/a.mp4", etag);
    expect(await names("v")).toEqual(["a.en.vtt"]);
  });

  it("never overwrites: not an object, not a stranger's file, folder or symbolic link", async () => {
    const etag = await deliver("v/a.mp4", sampleBytes(10, 1));
    await deliver("v/ours.mp4", sampleBytes(10, 2));
    await disk.putForeign("v/theirs.mp4", sampleBytes(10, 3));
    await mkdir(at("v/folder"));
    await symlink("nowhere", at("v/link.mp4"));
    for (const name of ["ours.mp4", "theirs.mp4", "folder", "link.mp4"]) {
      expect(await disk.store.rename("v/a.mp4", `v/${name}`, etag), name).toEqual({ kind: "taken" });
    }
    expect(await names("v")).toEqual(["a.mp4", "folder", "link.mp4", "ours.mp4", "theirs.mp4"]);
    expect(new Uint8Array(await readFile(at("v/ours.mp4")))).toEqual(sampleBytes(10, 2));
    expect(new Uint8Array(await readFile(at("v/theirs.mp4")))).toEqual(sampleBytes(10, 3));
  });

  it("takes names that differ in case or in Unicode form for one", async () => {
    const etag = await deliver("v/a.mp4");
    await disk.putForeign("v/Café.mp4", sampleBytes(1));
    for (const name of ["CAFÉ.mp4", "Cafe\u0301.mp4", "café.MP4"]) {
      expect(await disk.store.rename("v/a.mp4", `v/${name}`, etag), name).toEqual({ kind: "taken" });
    }
    expect(await names("v")).toEqual(["Café.mp4", "a.mp4"]);
  });

  it("changes only the case or the Unicode form of its own name, or nothing at all", async () => {
    const etag = await deliver("v/café.mp4");
    let from = "v/café.mp4";
    for (const to of ["v/Café.mp4", "v/Cafe\u0301.mp4", "v/CAFÉ.mp4", "v/CAFÉ.mp4"]) {
      expect(await disk.store.rename(from, to, etag), to).toEqual({ kind: "renamed", etag });
      expect(await names("v")).toEqual([to.slice(2)]);
      from = to;
    }
    expect(await readAll(disk.store, from)).toEqual(sampleBytes(10));
  });

  it("does not take another file that differs in case for its own", async () => {
    const etag = await deliver("v/a.mp4");
    await disk.putForeign("v/A.mp4", sampleBytes(1));
    expect(await disk.store.rename("v/a.mp4", "v/A.MP4", etag)).toEqual({ kind: "taken" });
    expect(await disk.store.rename("v/a.mp4", "v/A.mp4", etag)).toEqual({ kind: "taken" });
    expect(await names("v")).toEqual(["A.mp4", "a.mp4"]);
  });

  it("is done only while the object bears the ETag, and makes no folder otherwise", async () => {
    const etag = await deliver("v/a.mp4");
    await writeFile(at("v/a.mp4"), sampleBytes(11));
    expect(await disk.store.rename("v/a.mp4", "w/b.mp4", etag)).toEqual({ kind: "gone" });
    expect(await disk.store.rename("v/none.mp4", "w/b.mp4", etag)).toEqual({ kind: "gone" });
    expect(await disk.store.rename("none/a.mp4", "w/b.mp4", etag)).toEqual({ kind: "gone" });
    expect(await disk.store.rename("v", "w/b.mp4", etag)).toEqual({ kind: "gone" });
    expect(await names()).toEqual(["v"]);
    expect(await names("v")).toEqual(["a.mp4"]);
  });

  it("lets one of many have the name, and the file go to one of many names", async () => {
    const etags = await Promise.all([1, 2, 3, 4].map((n) => deliver(`v/${n}.mp4`, sampleBytes(10 + n))));
    const toOne = await Promise.all(etags.map((etag, n) => disk.store.rename(`v/${n + 1}.mp4`, "w/one.mp4", etag)));
    expect(toOne.map(({ kind }) => kind).toSorted()).toEqual(["renamed", "taken", "taken", "taken"]);
    const winner = toOne.findIndex(({ kind }) => kind === "renamed");
    const etag = etags[winner] ?? "";
    const toMany = await Promise.all([1, 2, 3].map((n) => disk.store.rename("w/one.mp4", `x${n}/a.mp4`, etag)));
    expect(toMany.map(({ kind }) => kind).toSorted()).toEqual(["gone", "gone", "renamed"]);
    const left = [1, 2, 3, 4].filter((n) => n !== winner + 1).map((n) => `${n}.mp4`);
    expect(await names("v")).toEqual(left);
    expect((await names()).length).toBe(2);
  });

  it("and a delete at the same time leave no file that was told as deleted", async () => {
    for (let n = 0; n < 20; n++) {
      const etag = await deliver("v/a.mp4", sampleBytes(10, n + 1));
      let over = false;
      const renaming = disk.store.rename("v/a.mp4", "w/b.mp4", etag).finally(() => {
        over = true;
      });
      // In the middle of it: the new folder is there.
      while (!over && !(await exists("w")));
      const deleted = await disk.store.delete("v/a.mp4", etag);
      const renamed = await renaming;
      expect(renamed.kind).toBe(deleted ? "gone" : "renamed");
      if (!deleted) expect(await disk.store.delete("w/b.mp4", etag)).toBe(true);
      expect(await names()).toEqual([]);
    }
  });
});

describe("a rename whose answer was lost", () => {
  it("is answered the same when it is asked for again, also when the old name is another's by then", async () => {
    const etag = await deliver("v/a.mp4");
    const done = await disk.store.rename("v/a.mp4", "w/b.mp4", etag);
    expect(await disk.store.rename("v/a.mp4", "w/b.mp4", etag)).toEqual(done);
    await deliver("v/a.mp4", sampleBytes(12));
    await disk.restart();
    expect(await disk.store.rename("v/a.mp4", "w/b.mp4", etag)).toEqual(done);
    expect(await readAll(disk.store, "v/a.mp4")).toEqual(sampleBytes(12));
    expect(await readAll(disk.store, "w/b.mp4")).toEqual(sampleBytes(10));
  });

  it("is finished if it was cut off between the two names", async () => {
    const etag = await deliver("v/a.mp4");
    await mkdir(at("w"));
    await link(at("v/a.mp4"), at("w/b.mp4"));
    await disk.restart();
    expect(await disk.store.rename("v/a.mp4", "w/b.mp4", etag)).toEqual({ kind: "renamed", etag });
    expect(await names()).toEqual(["w"]);
    expect(await readAll(disk.store, "w/b.mp4")).toEqual(sampleBytes(10));
  });

  it("is finished in the same folder too, where only the case differs", async () => {
    const etag = await deliver("v/a.mp4");
    await link(at("v/a.mp4"), at("v/A.mp4"));
    expect(await disk.store.rename("v/a.mp4", "v/A.mp4", etag)).toEqual({ kind: "renamed", etag });
    expect(await names("v")).toEqual(["A.mp4"]);
  });

  it("leaves the file be that has a second name of its owner's elsewhere", async () => {
    const etag = await deliver("v/a.mp4");
    await link(at("v/a.mp4"), at("v/owner.mp4"));
    expect(await disk.store.rename("v/a.mp4", "v/a.mp4", etag)).toEqual({ kind: "renamed", etag });
    expect(await names("v")).toEqual(["a.mp4", "owner.mp4"]);
  });

  it("because the service was killed loses no file and leaves none under two names", async () => {
    const count = 40;
    const etags: string[] = [];
    for (let n = 0; n < count; n++) etags.push(await deliver(`v/${n}.mp4`, sampleBytes(10 + n)));
    await disk.service.close();
    await using first = await spawnService(disk.downloads);
    const renameAll = (url: string, stop?: () => Promise<void>) => {
      const store = adapterFor({ ...disk.service, url });
      let answers = 0;
      return Promise.allSettled(
        etags.map(async (etag, n) => {
          const result = await store.rename(`v/${n}.mp4`, `w/${n % 3}/${n}.mp4`, etag);
          if (++answers === 10) await stop?.();
          return result;
        }),
      );
    };
    const cut = await renameAll(first.url, () => first.kill());
    expect(cut.filter(({ status }) => status === "rejected").length).toBeGreaterThan(0);
    await using second = await spawnService(disk.downloads);
    const whole = await renameAll(second.url);
    expect(whole).toEqual(etags.map((etag) => ({ status: "fulfilled", value: { kind: "renamed", etag } })));
    expect(await names()).toEqual(["w"]);
    const kept = await Promise.all(["w/0", "w/1", "w/2"].map(names));
    expect(kept.flat().length).toBe(count);
    await second.kill();
    disk.service = { ...disk.service, close: () => Promise.resolve() };
  });
});

describe("the downloads folder and a rename", () => {
  it.each([
    "../a.mp4",
    "v/../../a.mp4",
    "/etc/a.mp4",
    "v//a.mp4",
    "v/..",
    "v/a\u0000.mp4",
    "v\\..\\a.mp4",
    ".trawl/a.mp4",
    ".TRAWL/journal.jsonl",
    ".trawl",
    ".tra\u200cwl/a.mp4",
    "\uff0etrawl/a.mp4",
    ".trawl. /a.mp4",
    "v/",
    `${"x".repeat(256)}.mp4`,
  ])("is not left by the key %j, old or new", async (key) => {
    const etag = await deliver("v/a.mp4");
    const refused = { kind: "refused", code: "bad_key" };
    expect(await disk.store.rename("v/a.mp4", key, etag)).toEqual(refused);
    expect(await disk.store.rename(key, "v/b.mp4", etag)).toEqual(refused);
    expect(await names()).toEqual(["v"]);
    expect(await names("v")).toEqual(["a.mp4"]);
  });

  it("is not left through a symbolic link, and none is moved", async () => {
    const outside = await mkdtemp(join(tmpdir(), "trawl-outside-"));
    try {
      const etag = await deliver("v/a.mp4");
      await rename(at("v/a.mp4"), join(outside, "secret.mp4"));
      await symlink(outside, at("link"));
      await symlink(join(outside, "secret.mp4"), at("file.mp4"));
      expect(await disk.store.rename("link/secret.mp4", "b.mp4", etag)).toEqual({ kind: "gone" });
      expect(await disk.store.rename("file.mp4", "b.mp4", etag)).toEqual({ kind: "gone" });
      const own = await deliver("own.mp4", sampleBytes(12));
      const refused = { kind: "refused", code: "bad_key" };
      expect(await disk.store.rename("own.mp4", "link/b.mp4", own)).toEqual(refused);
      expect(await disk.store.rename("own.mp4", "link/deep/b.mp4", own)).toEqual(refused);
      expect(await disk.store.rename("own.mp4", "own.mp4/b.mp4", own)).toEqual(refused);
      expect(await readdir(outside)).toEqual(["secret.mp4"]);
      expect(await exists("own.mp4")).toBe(true);
    } finally {
      await rm(outside, { recursive: true });
    }
  });

  it("that is away has no file that is gone", async () => {
    const etag = await deliver("v/a.mp4");
    const elsewhere = `${disk.downloads}-unmounted`;
    await rename(disk.downloads, elsewhere);
    await mkdir(disk.downloads);
    try {
      const away = { code: "downloads_missing", fault: "unavailable" };
      await expect(disk.store.rename("v/a.mp4", "w/b.mp4", etag)).rejects.toMatchObject(away);
      expect(await readdir(disk.downloads)).toEqual([]);
    } finally {
      await rm(disk.downloads, { recursive: true });
      await rename(elsewhere, disk.downloads);
    }
    expect(await disk.store.rename("v/a.mp4", "w/b.mp4", etag)).toEqual({ kind: "renamed", etag });
  });

  it("holds each account's files below its own prefix, where the same names are free", async () => {
    const first = await deliver("videos/a.mp4", sampleBytes(10));
    const other = await deliver("@acct/videos/a.mp4", sampleBytes(12));
    expect(await disk.store.rename("@acct/videos/a.mp4", "@acct/videos/b.mp4", first)).toEqual({ kind: "gone" });
    expect(await disk.store.rename("@acct/../videos/a.mp4", "@acct/b.mp4", first)).toMatchObject({ kind: "refused" });
    expect(await disk.store.rename("@acct/videos/a.mp4", "@acct/../b.mp4", other)).toMatchObject({ kind: "refused" });
    expect(await disk.store.rename("videos/a.mp4", "videos/b.mp4", first)).toMatchObject({ kind: "renamed" });
    expect(await disk.store.rename("@acct/videos/a.mp4", "@acct/videos/b.mp4", other)).toMatchObject({
      kind: "renamed",
    });
    expect(await readAll(disk.store, "@acct/videos/b.mp4")).toEqual(sampleBytes(12));
    expect(await readAll(disk.store, "videos/b.mp4")).toEqual(sampleBytes(10));
  });
});

describe("the control call rename", () => {
  const call = (body: string, secret = SECRET) =>
    fetch(`${disk.service.url}/control/rename`, {
      method: "POST",
      body,
      headers: { authorization: `Bearer ${secret}` },
    });

  it("asks for the secret, and refuses nonsense", async () => {
    const etag = await deliver("a.mp4");
    const body = JSON.stringify({ from: "a.mp4", to: "b.mp4", etag });
    expect((await call(body, "other")).status).toBe(401);
    for (const bad of ["{", "{}", '{"from":"a.mp4","to":"b.mp4"}', '{"from":"a.mp4","to":"","etag":"x"}']) {
      const response = await call(bad);
      expect([response.status, await response.json()], bad).toEqual([400, { error: "bad_call" }]);
    }
    expect(await names()).toEqual(["a.mp4"]);
    const done = await call(body);
    expect([done.status, await done.json()]).toEqual([200, { kind: "renamed", etag }]);
    const gone = await call(JSON.stringify({ from: "a.mp4", to: "c.mp4", etag }));
    expect([gone.status, await gone.json()]).toEqual([200, { kind: "gone" }]);
  });
});
