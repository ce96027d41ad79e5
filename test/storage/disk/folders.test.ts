/** Folders of the disk store: listed page by page, made, moved, taken away (library API 9.1). */
import { lstat, mkdir, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { adapterFor, type DiskUnderTest, etagOf, openDisk, SECRET } from "./harness.ts";

let disk: DiskUnderTest;
beforeEach(async () => {
  disk = await openDisk();
});
afterEach(async () => {
  await disk.close();
});

const names = async (folder: string) =>
  (await disk.store.folders.list(folder, null))?.entries.map(({ name, kind }) => (kind === "dir" ? `${name}/` : name));

/** A page of a listing, as short as that. */
async function page(folder: string, after: string | null, limit: number) {
  const answer = await fetch(`${disk.service.url}/control/list`, {
    method: "POST",
    headers: { authorization: `Bearer ${SECRET}` },
    body: JSON.stringify({ folder, after, limit }),
  });
  return (await answer.json()) as { entries: { name: string }[]; next: string | null };
}

describe("a listing", () => {
  it("tells of files and folders with what the store says of them, in the order of their bytes", async () => {
    const etag = etagOf(await disk.deliver("ch/b.mp4"));
    await disk.putForeign("ch/é.mp4", Buffer.from("abc"));
    await disk.putForeign("ch/\u{1f3ac}.mp4", Buffer.from("abc"));
    await disk.putForeign("ch/\uff21.mp4", Buffer.from("abc"));
    await mkdir(disk.at("ch/a folder"));
    const listed = await disk.store.folders.list("ch", null);
    expect(listed?.next).toBeNull();
    expect(listed?.entries.map(({ name }) => name)).toEqual([
      "a folder",
      "b.mp4",
      "é.mp4",
      "\uff21.mp4",
      "\u{1f3ac}.mp4",
    ]);
    const { mtimeMs, ctimeMs } = await lstat(disk.at("ch/b.mp4"));
    expect(listed?.entries[1]).toEqual({
      name: "b.mp4",
      kind: "file",
      size: 10,
      etag,
      mtime: Math.trunc(mtimeMs),
      ctime: Math.trunc(ctimeMs),
    });
  });

  it("comes in pages, each of which goes on after the last name", async () => {
    for (const name of ["a", "b", "c", "d", "e"]) await disk.putForeign(`ch/${name}`, Buffer.from("x"));
    const seen: string[] = [];
    let after: string | null = null;
    do {
      const part: Awaited<ReturnType<typeof page>> = await page("ch", after, 2);
      seen.push(part.entries.map(({ name }) => name).join(""));
      after = part.next;
    } while (after !== null);
    expect(seen).toEqual(["ab", "cd", "e"]);
  });

  it("leaves out what is hidden, links, and names that are no keys", async () => {
    for (const path of [
      ".trawl.txt",
      "_x.mp4",
      "@other/a.mp4",
      "in/@a.mp4",
      "in/.b",
      "in/_c",
      "in/d\u0001.mp4",
      "in/e\\f",
    ]) {
      await disk.putForeign(path, Buffer.from("x"));
    }
    await symlink("/etc/passwd", disk.at("in/link.txt"));
    await symlink("/etc", disk.at("in/folder"));
    expect([await names(""), await names("in")]).toEqual([["in/"], ["@a.mp4"]]);
    expect(await disk.store.folders.list("in/folder", null)).toBeNull();
  });

  it("of what is no folder is null; of the store's own, or one above, it is refused", async () => {
    await disk.putForeign("a.mp4", Buffer.from("x"));
    expect([await names("nope"), await names("a.mp4")]).toEqual([undefined, undefined]);
    for (const folder of [".trawl", "..", "a/../..", "/etc", ".TRAWL"]) {
      await expect(disk.store.folders.list(folder, null)).rejects.toMatchObject({ code: "bad_key" });
    }
  });

  it("of a downloads folder that is not mounted is a fault, not an empty one", async () => {
    await rename(disk.at(".trawl"), disk.at("elsewhere"));
    await expect(disk.store.folders.list("", null)).rejects.toMatchObject({ code: "downloads_missing" });
    await rename(disk.at("elsewhere"), disk.at(".trawl"));
  });
});

describe("a folder", () => {
  it("that is made stays when its last file goes, though the store had made one of that name before", async () => {
    const etag = etagOf(await disk.deliver("ch/a/one.mp4"));
    await rm(disk.at("ch"), { recursive: true });
    expect(await disk.store.folders.make("ch/a")).toEqual({ kind: "made" });
    expect(await disk.store.folders.make("ch/a")).toEqual({ kind: "taken" });
    expect(etag).not.toBe("");
    const second = etagOf(await disk.deliver("ch/a/two.mp4"));
    expect(await disk.store.delete("ch/a/two.mp4", second)).toBe(true);
    expect(await names("ch")).toEqual(["a/"]);
  });

  it("is not made in the place of a file, in another case of one, or behind a link", async () => {
    await disk.putForeign("Ch/a.mp4", Buffer.from("x"));
    await disk.putForeign("Ch/b/c.mp4", Buffer.from("x"));
    await symlink(disk.at("Ch"), disk.at("out"));
    expect(await disk.store.folders.make("Ch/a.mp4")).toEqual({ kind: "taken" });
    expect(await disk.store.folders.make("CH")).toEqual({ kind: "taken" });
    expect(await disk.store.folders.make("Ch/a.mp4/b")).toEqual({ kind: "refused", code: "bad_key" });
    expect(await disk.store.folders.make("out/b")).toEqual({ kind: "refused", code: "bad_key" });
    expect(await disk.store.folders.make(".trawl/b")).toEqual({ kind: "refused", code: "bad_key" });
  });

  it("moves as one, with what the store knows of it; asked again it has moved", async () => {
    const etag = etagOf(await disk.deliver("a/in/one.mp4"));
    await disk.store.folders.make("shelf");
    expect(await disk.store.folders.move("a", "shelf/b")).toEqual({ kind: "moved" });
    expect(await disk.store.folders.move("a", "shelf/b")).toEqual({ kind: "moved" });
    await disk.restart();
    expect(await disk.store.delete("shelf/b/in/one.mp4", etag)).toBe(true);
    expect(await names("shelf")).toEqual([]);
  });

  it("never moves over something else, into itself or out of reach", async () => {
    await disk.putForeign("a/one.mp4", Buffer.from("x"));
    await mkdir(disk.at("empty"));
    await symlink(disk.at("empty"), disk.at("out"));
    expect(await disk.store.folders.move("a", "empty")).toEqual({ kind: "taken" });
    expect(await disk.store.folders.move("a", "EMPTY")).toEqual({ kind: "taken" });
    expect(await disk.store.folders.move("a", "nope/b")).toEqual({ kind: "refused", code: "bad_key" });
    expect(await disk.store.folders.move("a", "out/b")).toEqual({ kind: "refused", code: "bad_key" });
    expect(await disk.store.folders.move("a", "a/b")).toEqual({ kind: "refused", code: "bad_key" });
    expect(await disk.store.folders.move("gone", "b")).toEqual({ kind: "gone" });
    expect(await disk.store.folders.move("a", "A")).toEqual({ kind: "moved" });
    expect(await names("A")).toEqual(["one.mp4"]);
  });

  it("is taken away with all that is in it, step by step, and links are not followed", async () => {
    await disk.putForeign("keep/me.mp4", Buffer.from("x"));
    for (const path of ["a/1", "a/2", "a/.hidden", "a/b/3", "a/b/c/4"]) await disk.putForeign(path, Buffer.from("x"));
    await symlink(disk.at("keep"), disk.at("a/link"));
    const step = async () => {
      const answer = await fetch(`${disk.service.url}/control/clearfolder`, {
        method: "POST",
        headers: { authorization: `Bearer ${SECRET}` },
        body: JSON.stringify({ key: "a", limit: 3 }),
      });
      return ((await answer.json()) as { done: boolean }).done;
    };
    const steps = [];
    do steps.push(await step());
    while (!steps.at(-1));
    expect(steps.length).toBeGreaterThan(2);
    expect(await readdir(disk.downloads)).toEqual([".trawl", "keep"]);
    expect(await names("keep")).toEqual(["me.mp4"]);
    await adapterFor(disk.service).folders.clear("a");
  });
});

it("the folders' calls want the secret", async () => {
  await writeFile(disk.at("a.mp4"), "x");
  for (const call of ["list", "mkdir", "movefolder", "clearfolder"]) {
    expect((await fetch(`${disk.service.url}/control/${call}`, { method: "POST", body: "{}" })).status).toBe(401);
  }
});
