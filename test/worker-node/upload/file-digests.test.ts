/** The hashes of an upload, counted here and in a thread of their own: the same, in whatever order they are asked for. */
import { createHash } from "node:crypto";
import { truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { fileDigests } from "../../../worker-node/upload/digest/file-digests.ts";
import { testDir } from "../../leaks.ts";

const PART = 1_500_000;
/** Two parts and a bit; each takes more than one reading. */
const BYTES = Buffer.from(Array.from({ length: 2 * PART + 7 }, (_, at) => (at * 31 + (at >> 8)) & 255));
const PARTS = [0, 1, 2].map((part) => [part * PART, Math.min(BYTES.length, (part + 1) * PART)] as const);
const SHA256 = createHash("sha256").update(BYTES).digest("hex");
const UNENDING = new AbortController().signal;

let path: string;
beforeEach(async () => {
  path = join(await testDir("digests"), "output.mp4");
  await writeFile(path, BYTES);
});

const md5 = (part: number) =>
  createHash("md5")
    .update(BYTES.subarray(...(PARTS[part] ?? [])))
    .digest("hex");

describe.each([
  ["here", Number.POSITIVE_INFINITY],
  ["in a thread", 0],
])("counted %s", (_, threadFrom) => {
  const open = (size = BYTES.length, signal = UNENDING) => fileDigests({ path, size }, signal, threadFrom);

  it.each([
    ["in order, all at once", [0, 1, 2]],
    ["of which one came out of order", [1, 0, 2]],
    ["of which one was sent again", [0, 0, 1, 1, 2]],
    ["of which one is missing", [0, 2]],
    ["of which there are none", []],
  ])("parts %s have their MD5, and the whole its SHA-256", async (_, asked) => {
    const digests = open();
    const parts = await Promise.all(asked.map((part) => digests.md5(...(PARTS[part] ?? [0, 0]))));
    expect(parts.map((each) => each.toString("hex"))).toEqual(asked.map(md5));
    expect(await digests.sha256()).toBe(SHA256);
    await digests.close();
  });

  it("an empty file has the hashes of nothing", async () => {
    await truncate(path, 0);
    const digests = open(0);
    expect((await digests.md5(0, 0)).toString("hex")).toBe(createHash("md5").digest("hex"));
    expect(await digests.sha256()).toBe(createHash("sha256").digest("hex"));
    await digests.close();
  });

  it("a file that has become shorter has none", async () => {
    await truncate(path, PART);
    const digests = open();
    await expect(digests.sha256()).rejects.toThrow("The file is shorter than it was");
    await digests.close();
  });

  it("a file that is gone has none", async () => {
    const gone = `${path}.gone`;
    const digests = fileDigests({ path: gone, size: 1 }, UNENDING, threadFrom);
    await expect(digests.md5(0, 1)).rejects.toThrow("ENOENT");
    await expect(digests.sha256()).rejects.toThrow("ENOENT");
    await digests.close();
  });

  it("an attempt that has ended has none", async () => {
    const ended = new AbortController();
    const digests = open(BYTES.length, ended.signal);
    ended.abort(new Error("the attempt has ended"));
    await expect(digests.sha256()).rejects.toThrow("the attempt has ended");
    await digests.close();
  });
});
