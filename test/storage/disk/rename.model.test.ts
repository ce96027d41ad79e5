import { readdir } from "node:fs/promises";
import fc from "fast-check";
import { expect, it } from "vitest";
import { foldKey } from "../../../shared/names.ts";
import { readAll, sampleBytes } from "../uploading.ts";
import { type DiskUnderTest, etagOf, openDisk } from "./harness.ts";

/** Folders in one case only: a store on a file system with case may hold both. */
const FOLDERS = ["", "p/", "p/q/", "r/"];
const NAMES = ["a.mp4", "A.mp4", "b.mp4", "é.mp4", "e\u0301.mp4"];
const keys = fc.tuple(fc.constantFrom(...FOLDERS), fc.constantFrom(...NAMES)).map(([folder, name]) => folder + name);
const steps = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("put" as const), key: keys }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("rename" as const), from: keys, to: keys, stale: rarely() }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), key: keys }) },
  ),
  { maxLength: 25 },
);

function rarely(): fc.Arbitrary<boolean> {
  return fc.integer({ min: 0, max: 9 }).map((n) => n === 0);
}

interface Kept {
  etag: string;
  bytes: Uint8Array;
}

async function put(disk: DiskUnderTest, key: string, bytes: Uint8Array): Promise<Kept> {
  const result = await disk.deliver(key, bytes);
  expect(result).toMatchObject({ kind: "committed", key });
  return { bytes, etag: etagOf(result) };
}

/** The key under which another object has this name, whatever its case. */
function holder(model: ReadonlyMap<string, Kept>, key: string): string | undefined {
  return [...model.keys()].find((each) => foldKey(each) === foldKey(key));
}

async function files(disk: DiskUnderTest): Promise<string[]> {
  const entries = await readdir(disk.downloads, { recursive: true });
  return entries.filter((entry) => !entry.startsWith(".trawl")).toSorted();
}

it("any renames leave what a map of keys to objects would, and no folder without a file", async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (run) => {
      const disk = await openDisk();
      try {
        const model = new Map<string, Kept>();
        let size = 0;
        for (const step of run) {
          if (step.kind === "put") {
            if (holder(model, step.key) === undefined)
              model.set(step.key, await put(disk, step.key, sampleBytes(++size)));
          } else if (step.kind === "delete") {
            const kept = model.get(step.key);
            expect(await disk.store.delete(step.key, kept?.etag ?? '"none"')).toBe(kept !== undefined);
            model.delete(step.key);
          } else {
            const { from, to, stale } = step;
            const kept = stale ? undefined : model.get(from);
            const inTheWay = holder(model, to);
            const taken = inTheWay !== undefined && inTheWay !== from;
            const kind = kept === undefined ? "gone" : taken ? "taken" : "renamed";
            expect(await disk.store.rename(from, to, kept?.etag ?? '"none"')).toMatchObject({ kind });
            if (kept === undefined || taken) continue;
            model.delete(from);
            model.set(to, kept);
          }
        }
        const folders = [...model.keys()].flatMap((key) => {
          const segments = key.split("/").slice(0, -1);
          return segments.map((_, index) => segments.slice(0, index + 1).join("/"));
        });
        expect(await files(disk)).toEqual([...new Set([...model.keys(), ...folders])].toSorted());
        for (const [key, { bytes, etag }] of model) {
          expect((await disk.store.head(key))?.etag).toBe(etag);
          expect(await readAll(disk.store, key)).toEqual(bytes);
        }
      } finally {
        await disk.close();
      }
    }),
    { numRuns: 40 },
  );
});
