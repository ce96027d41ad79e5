/**
 * Uploads over a line on which things go wrong: whatever happens to parts on their way, the object is the source or there is
 * none. Parts are met in the order in which they begin, and that is nearly the same each time; the seed says where in them.
 */
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testDir } from "../leaks.ts";
import { EVERY_ADAPTER } from "./every-adapter.ts";
import { type GeneratedFile, generateFile, hashStream } from "./generated-file.ts";
import { FaultyLine, type LinePlan } from "./peers/faulty-line.ts";
import { sendFile } from "./send-file.ts";

const BYTES = 60_000_001;
const PARTS = 8;
const KEY = "videos/broken.mp4";
const ROUNDS = 3;
const seed = Number(process.env.TRAWL_TEST_SEED ?? Date.now() % 2 ** 31);

/** Numbers from 0 to 1, the same for the same seed (a linear congruence: this is about spread, not about secrets). */
function numbers(from: number): () => number {
  let state = from >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** The same thing happens to each part, the first `times` that it is sent, at another byte each time. */
function faults(how: "cut" | "flip", times: number, from: number): LinePlan {
  const next = numbers(from);
  const seen = new Map<string, number>();
  return ({ line, length }) => {
    // A fresh URL of a part that was refused counts as the same part no more, hence the bound.
    const known = seen.get(line) ?? 0;
    seen.set(line, known + 1);
    if (known >= times || (known === 0 && seen.size > PARTS)) return null;
    return { how, at: Math.floor(next() * (how === "cut" ? length + 1 : length)) };
  };
}

let file: GeneratedFile;
let line: FaultyLine | null = null;
beforeEach(async () => {
  file = await generateFile(join(await testDir("broken"), "output.mp4"), BYTES);
});
afterEach(async () => {
  await line?.close();
  line = null;
});

/** The disk store looks at the whole (below); s3rver at no more than its size. */
const UNCHECKED = new Set(["the disk store", "s3rver"]);

describe(`an upload over a bad line, seed ${seed},`, () => {
  it.each(EVERY_ADAPTER)("whose parts are cut at random bytes arrives whole in %s", async (_, open) => {
    for (let round = 0; round < ROUNDS; round++) {
      const opened = await open();
      line = await FaultyLine.start(faults("cut", 1 + (round % 2), seed + round));
      try {
        const sent = await sendFile(opened, file, KEY, line);
        expect(line.cuts, `seed ${seed}, round ${round}`).toBeGreaterThanOrEqual(PARTS);
        expect(sent.uploaded.retries).toBeGreaterThanOrEqual(PARTS);
        expect(await sent.commit()).toMatchObject({ kind: "committed", size: BYTES });
        const stream = await opened.store.read(KEY, null, null);
        expect(stream && (await hashStream(stream)), `seed ${seed}, round ${round}`).toBe(file.sha256);
      } finally {
        await line.close();
        await opened.close();
      }
    }
  });

  it.each(EVERY_ADAPTER.filter(([name]) => !UNCHECKED.has(name)))(
    "on which a bit of each part changes arrives as it was in %s: such a part is sent again",
    async (_, open) => {
      const opened = await open();
      line = await FaultyLine.start(faults("flip", 1, seed));
      try {
        const sent = await sendFile(opened, file, KEY, line);
        expect(line.flips, `seed ${seed}`).toBeGreaterThanOrEqual(PARTS);
        expect(sent.uploaded.retries).toBeGreaterThanOrEqual(PARTS);
        expect(await sent.commit()).toMatchObject({ kind: "committed", size: BYTES });
        const stream = await opened.store.read(KEY, null, null);
        expect(stream && (await hashStream(stream)), `seed ${seed}`).toBe(file.sha256);
      } finally {
        await opened.close();
      }
    },
  );

  it("on which one bit changes leaves no object in the disk store, which hashes the whole", async () => {
    const [, open] = EVERY_ADAPTER[0] ?? expect.unreachable("no adapters");
    const opened = await open();
    const next = numbers(seed);
    const unlucky = Math.floor(next() * PARTS);
    let sentParts = 0;
    line = await FaultyLine.start(({ length }) =>
      sentParts++ === unlucky ? { how: "flip", at: Math.floor(next() * length) } : null,
    );
    try {
      const sent = await sendFile(opened, file, KEY, line);
      expect(line.flips, `seed ${seed}`).toBe(1);
      expect(await sent.commit()).toEqual({ kind: "refused", code: "checksum_mismatch", permanent: false });
      expect(await opened.store.head(KEY)).toBeNull();
      expect(await opened.countUploads()).toBe(0);
    } finally {
      await opened.close();
    }
  });
});
