/** A folder inside the downloads folder in which the store may not write: no time and no repeat helps, only its owner. */
import { chmod, chown, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { DiskStore } from "../../../edge/storage/disk.ts";
import { StoreError } from "../../../edge/storage/store-error.ts";
import { testDir } from "../../leaks.ts";
import { intentFor, sampleBytes, Uploading } from "../uploading.ts";
import { adapterFor, spawnService } from "./harness.ts";

/** Root may write everywhere, so the service runs as somebody else where the tests are root's. */
const UID = process.getuid?.() === 0 ? 61_201 : undefined;
const BYTES = sampleBytes(10);

let downloads: string;
beforeEach(async () => {
  downloads = await testDir("read-only");
  await mkdir(join(downloads, "videos", "archive"), { recursive: true });
  if (UID === undefined) return;
  for (const path of ["", "videos", "videos/archive"]) await chown(join(downloads, path), UID, UID);
});

async function serving(work: (store: DiskStore, upload: (key: string) => Promise<Uploading>) => Promise<void>) {
  await using service = await spawnService(downloads, UID);
  const store = adapterFor(service);
  const opened = { store, origin: "http://localhost:8080" };
  try {
    await work(store, (key) => new Uploading(opened, intentFor(key, BYTES.length)).begin());
  } finally {
    // So that it can be removed.
    for (const path of ["", "videos", "videos/archive"]) await chmod(join(downloads, path), 0o755);
  }
}

const lock = (folder: string) => chmod(join(downloads, folder), 0o555);
const sentence = (which: string) => `${which} is read-only: give the user that runs Trawl the right to write there`;
const commit = async (store: DiskStore, upload: Uploading) =>
  store.commit(upload.commitRequest(BYTES, await upload.putAll(BYTES)));

describe("a folder that is read-only", () => {
  it.each([
    ["videos/archive", "videos/archive/a.mp4", "the folder 'videos/archive' below the downloads folder"],
    ["videos/archive", "videos/archive/2026/talks/a.mp4", "the folder 'videos/archive' below the downloads folder"],
    ["", "films/a.mp4", "the downloads folder"],
  ])("(%s) is told of %s before anything is sent, by its name and for good", async (folder, key, which) => {
    await serving(async (_, upload) => {
      await lock(folder);
      const error = await upload(key).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StoreError);
      expect(error).toMatchObject({ code: "read_only", fault: "permanent", says: sentence(which) });
      expect(JSON.stringify(error)).not.toContain(downloads);
    });
  });

  it("since the upload began is told by the commit, which leaves nothing behind", async () => {
    await serving(async (store, upload) => {
      for (const key of ["videos/archive/a.mp4", "videos/archive/2026/a.mp4"]) {
        const begun = await upload(key);
        await lock("videos/archive");
        const says = sentence("the folder 'videos/archive' below the downloads folder");
        expect(await commit(store, begun)).toEqual({ kind: "refused", code: "read_only", permanent: true, says });
        expect((await readdir(join(downloads, ".trawl"))).filter((name) => !name.startsWith("journal"))).toEqual([]);
        await chmod(join(downloads, "videos/archive"), 0o755);
      }
      expect(await readdir(join(downloads, "videos/archive"))).toEqual([]);
    });
  });

  it("takes files again once it may be written to, and keeps no other folder from its own", async () => {
    await serving(async (store, upload) => {
      await lock("videos/archive");
      expect(await commit(store, await upload("videos/b.mp4"))).toMatchObject({ kind: "committed" });
      await chmod(join(downloads, "videos/archive"), 0o755);
      const done = await commit(store, await upload("videos/archive/a.mp4"));
      expect(done).toMatchObject({ kind: "committed", key: "videos/archive/a.mp4" });
    });
  });

  it("takes no file by another name either", async () => {
    await serving(async (store, upload) => {
      const done = await commit(store, await upload("videos/b.mp4"));
      await lock("videos/archive");
      const etag = done.kind === "committed" ? done.etag : "";
      expect(await store.rename("videos/b.mp4", "videos/archive/b.mp4", etag)).toEqual({
        kind: "refused",
        code: "read_only",
      });
      expect(await store.head("videos/b.mp4")).toMatchObject({ etag });
    });
  });
});
