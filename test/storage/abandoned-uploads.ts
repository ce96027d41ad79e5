/** Uploads that nobody has ended, before a server that lists them: which go, and which must stay. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AbandonedUploads } from "../../edge/storage/port.ts";
import { intentFor, type StoreUnderTest, sampleBytes, Uploading } from "./uploading.ts";

const HOUR = 3_600_000;

export interface ListingStore extends StoreUnderTest {
  /** Keys of open uploads. */
  openKeys(): string[];
  /** The server remembers the open uploads as so much older. */
  age(byMs: number): void;
  /** The next begin is done, and its answer never comes. */
  loseBegin(): void;
  /** Opens uploads of somebody else's, as many as there are keys. */
  beginForeign(keys: readonly string[]): void;
}

export function testAbandonedUploads(name: string, open: () => Promise<ListingStore>): void {
  describe(`uploads that nobody has ended, in ${name}`, () => {
    let opened: ListingStore;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    const end = (changes: Partial<AbandonedUploads> = {}) =>
      opened.store.endAbandoned?.({ prefix: "", before: Date.now() - HOUR, isOurs: () => true, ...changes });
    const begin = (key: string) => new Uploading(opened, intentFor(key, 10)).begin();

    it("go when they are older than asked, and take no part any more; younger ones go on", async () => {
      const old = await begin("videos/old.mp4");
      opened.age(2 * HOUR);
      const young = await begin("videos/young.mp4");
      expect(await end()).toBe(1);
      expect(opened.openKeys()).toEqual(["videos/young.mp4"]);
      const late = await old.put(1, sampleBytes(10));
      expect(late.ok).toBe(false);
      await late.body?.cancel();
      const bytes = sampleBytes(10);
      const request = young.commitRequest(bytes, await young.putAll(bytes));
      expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
      expect(await end()).toBe(0);
    });

    it("are not even left by a begin whose answer is lost; another key's and older ones stay", async () => {
      await begin("videos/a.mp4");
      opened.age(HOUR);
      await begin("videos/a.mp4.vtt");
      opened.loseBegin();
      await expect(opened.store.begin(intentFor("videos/a.mp4", 10))).rejects.toMatchObject({ fault: "unavailable" });
      expect(opened.openKeys()).toEqual(["videos/a.mp4", "videos/a.mp4.vtt"]);
      const again = await begin("videos/a.mp4");
      const bytes = sampleBytes(10);
      const request = again.commitRequest(bytes, await again.putAll(bytes));
      expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
    });

    it("go below the prefix alone, and only under keys that can be ours", async () => {
      for (const key of ["ours/a.mp4", "ours/b.zip", "theirs/a.mp4", "oursnot/a.mp4"]) await begin(key);
      opened.age(2 * HOUR);
      expect(await end({ prefix: "ours/", isOurs: (key) => key.endsWith(".mp4") })).toBe(1);
      expect(opened.openKeys().sort()).toEqual(["ours/b.zip", "oursnot/a.mp4", "theirs/a.mp4"]);
    });

    it("are ended under their very keys, whatever is in them", async () => {
      const keys = [
        "v/a b+c%20d.mp4",
        "v/Ünïcödé – 日本語 🎬.mp4",
        "v/&lt;a&amp;b;.mp4",
        "v/100%.mp4",
        "v/it's (1).mp4",
      ];
      for (const key of keys) await begin(key);
      opened.age(2 * HOUR);
      expect(await end({ prefix: "v/" })).toBe(keys.length);
      expect(opened.openKeys()).toEqual([]);
    });

    it("are found behind a thousand that are alive, the same key many times among them", async () => {
      opened.beginForeign(Array.from({ length: 700 }, (_, n) => `v/${String(n).padStart(5, "0")}.mp4`));
      opened.beginForeign(Array.from({ length: 700 }, () => "v/00500.mp4"));
      const late = ["v/zz.mp4", "v/00500.mp4"];
      opened.age(-HOUR);
      for (const key of late) await begin(key);
      opened.age(HOUR + HOUR / 2);
      // Only the two are older than an hour.
      expect(await end({ prefix: "v/" })).toBe(2);
      expect(opened.openKeys()).toHaveLength(1_400);
    });

    it("leave with at most a hundred at once, so that a run ends", async () => {
      opened.beginForeign(Array.from({ length: 150 }, (_, n) => `v/${n}.mp4`));
      opened.age(2 * HOUR);
      expect([await end(), await end(), await end()]).toEqual([100, 50, 0]);
    });
  });
}
