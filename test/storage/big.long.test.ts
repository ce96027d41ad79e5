/** 200 MB through every adapter: many parts at once, more than one batch of part URLs, never the whole in memory. */
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { testDir } from "../leaks.ts";
import { EVERY_ADAPTER } from "./every-adapter.ts";
import { type GeneratedFile, generateFile, hashStream } from "./generated-file.ts";
import { sendFile } from "./send-file.ts";

const BYTES = 200_000_001;
const KEY = "videos/A long evening (1).mp4";
const PART_BYTES = 8 * 1_048_576;

let file: GeneratedFile;
beforeEach(async () => {
  file = await generateFile(join(await testDir("big"), "output.mp4"), BYTES);
});

describe("200 MB", () => {
  it.each(EVERY_ADAPTER)("pass through %s unchanged", async (_, open) => {
    const opened = await open();
    try {
      const sent = await sendFile(opened, file, KEY);
      expect(sent.uploaded).toMatchObject({ retries: 0, entry: { size: BYTES, sha256: file.sha256 } });
      expect(sent.uploaded.entry.parts).toHaveLength(Math.ceil(BYTES / PART_BYTES));
      expect(await sent.commit()).toMatchObject({ kind: "committed", key: KEY, size: BYTES });
      expect((await opened.store.head(KEY))?.size).toBe(BYTES);
      const stream = await opened.store.read(KEY, null, null);
      expect(stream && (await hashStream(stream))).toBe(file.sha256);
      // The last byte of all, and two on both sides of a seam.
      for (const offset of [BYTES - 1, PART_BYTES - 1]) {
        const length = Math.min(2, BYTES - offset);
        const piece = await opened.store.read(KEY, { offset, length }, null);
        expect((await new Response(piece).arrayBuffer()).byteLength).toBe(length);
      }
    } finally {
      await opened.close();
    }
  });
});
