import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteWindow, LOOK_BYTES } from "../../../../worker-node/media/mp4/window.ts";
import { isMatroska, locateClusters } from "../../../../worker-node/media/webm/clusters.ts";
import {
  childrenOf,
  element,
  fractionElement,
  numberElement,
  readElement,
} from "../../../../worker-node/media/webm/ebml.ts";

const SECONDS = [0, 5, 10, 16];
const header = element(0x1a45dfa3, element(0x4282, Buffer.from("webm")));
const info = element(0x1549a966, numberElement(0x2ad7b1, 1_000_000), fractionElement(0x4489, 20_000));
const tracks = element(0x1654ae6b, Buffer.alloc(300, "t"));
const cluster = (size: number, at: number) =>
  element(0x1f43b675, numberElement(0xe7, at * 1_000), Buffer.alloc(size, at));
const clusters = SECONDS.map((at, nth) => cluster(100_000 + nth, at));
const cue = (time: number, at: number) =>
  element(0xbb, numberElement(0xb3, time), element(0xb7, numberElement(0xf7, 1), numberElement(0xf1, at)));
const cuesOf = (places: [time: number, at: number][]) =>
  element(0x1c53bb6b, ...places.map(([time, at]) => cue(time, at)));
const seekHead = (at: number) =>
  element(0x114d9b74, element(0x4dbb, element(0x53ab, Buffer.from("1c53bb6b", "hex")), numberElement(0x53ac, at)));

/** Where each cluster begins in the segment, from `first` on. */
const placesFrom = (first: number, seconds = SECONDS): [number, number][] =>
  clusters.map((_, nth) => [
    (seconds[nth] ?? 0) * 1_000,
    first + clusters.slice(0, nth).reduce((sum, { length }) => sum + length, 0),
  ]);
const bytesOf = (parts: Buffer[]) => parts.reduce((sum, { length }) => sum + length, 0);

function film(
  where: "front" | "behind",
  change: (cues: Buffer) => Buffer = (cues) => cues,
  seconds: number[] = SECONDS,
): Buffer {
  const empty = [seekHead(0), info, tracks];
  const size = cuesOf(placesFrom(0)).length;
  const first = bytesOf(empty) + (where === "front" ? size : 0);
  const cues = change(cuesOf(placesFrom(first, seconds)));
  const listed = seekHead(where === "front" ? bytesOf(empty) : first + bytesOf(clusters));
  const order = where === "front" ? [cues, ...clusters] : [...clusters, cues];
  return Buffer.concat([header, element(0x18538067, listed, info, tracks, ...order)]);
}

function windowOf(file: Buffer) {
  return new ByteWindow(file.subarray(0, LOOK_BYTES), file.length, async ({ start, end }) => file.subarray(start, end));
}

describe("the clusters of a WebM file", () => {
  it.each(["front", "behind"] as const)("are found by the list of places in %s", async (where) => {
    const file = film(where);
    expect(isMatroska(file)).toBe(true);
    const list = await locateClusters(windowOf(file));
    expect(list?.seconds).toEqual([5, 5, 6, 4]);
    const found = list?.ranges.map(({ start, end }) => file.subarray(start, end));
    expect(found).toEqual(clusters);
  });

  it("make a file of their own, with their own places and length", async () => {
    const file = film("front");
    const list = await locateClusters(windowOf(file));
    const range = { from: 1, to: 3 };
    const [start, end] = [list?.ranges[1]?.start ?? 0, list?.ranges[2]?.end ?? 0];
    const made = Buffer.concat([list?.beginning(range) ?? header, file.subarray(start, end)]);
    const segment = readElement(made, header.length);
    expect(segment).toMatchObject({ id: 0x18538067, to: null });
    const again = await locateClusters(windowOf(made));
    // The length is that of what there is; the first place says where it begins.
    expect(again?.ranges.map((one) => made.subarray(one.start, one.end))).toEqual(clusters.slice(1, 3));
    const inside = childrenOf(made.subarray(segment?.from)).map(({ id }) => id);
    expect(inside).toEqual([0x1549a966, 0x1654ae6b, 0x1c53bb6b, 0x1f43b675, 0x1f43b675]);
  });

  const broken = (places: [number, number][]) => () => cuesOf(places);
  it.each<[string, Buffer]>([
    ["without a list", film("behind", () => element(0xec, Buffer.alloc(100)))],
    ["with an empty list", film("front", () => cuesOf([]))],
    ["whose places lie behind its end", film("behind", broken([[5_000, 900_000_000]]))],
    ["whose places lie before its media", film("behind", broken([[5_000, 3]]))],
    ["whose times fall", film("behind", undefined, [0, 10, 5, 16])],
    ["that is cut off before its media", film("front").subarray(0, 300)],
    ["that is none", Buffer.alloc(1_000, "<html>")],
  ])("are not looked for in a file %s", async (_what, file) => {
    expect(await locateClusters(windowOf(file))).toBeNull();
  });

  it("in any bytes neither throw nor hang", async () => {
    const file = film("front");
    const before = file.length - bytesOf(clusters);
    const places = fc.array(fc.tuple(fc.nat(before), fc.nat(255)), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(places, async (changes) => {
        const copy = Buffer.from(file);
        for (const [at, value] of changes) copy[at] = value;
        const list = await locateClusters(windowOf(copy));
        list?.beginning({ from: 0, to: 1 });
      }),
      { numRuns: 300 },
    );
  });
});
