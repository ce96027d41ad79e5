/** One file into a store over real HTTP: what is repeated, what is renewed, what is given up (DESIGN section 6). */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MediaFailure } from "../../../worker-node/media/failure.ts";
import { putPart } from "../../../worker-node/upload/put-part.ts";
import { SLICE_BUFFER_BYTES } from "../../../worker-node/upload/read-slice.ts";
import { type UploadOptions, uploadFile } from "../../../worker-node/upload/upload-file.ts";
import { testDir } from "../../leaks.ts";
import { FakeBucket, type PartFault } from "./fake-bucket.ts";

const PART = 1_000;
let bucket: FakeBucket;
let path: string;

beforeEach(async () => {
  bucket = await FakeBucket.start();
  path = join(await testDir("upload"), "output.mp4");
});
afterEach(() => bucket.close());

async function fileOf(size: number): Promise<Buffer> {
  const bytes = Buffer.from(Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8)) & 255));
  await writeFile(path, bytes);
  return bytes;
}

/** An upload of the file at `path`, with all its URLs from the start; `renewals` tells which parts were asked for anew. */
async function upload(size: number, changes: Partial<UploadOptions> = {}) {
  const bytes = await fileOf(size);
  const renewals: number[] = [];
  let arrived = 0;
  const options: UploadOptions = {
    file: { kind: "media", path, language: null, size },
    ticket: bucket.ticket(PART, 1, Math.max(1, Math.ceil(size / PART))),
    async renew(fromPart) {
      renewals.push(fromPart);
      return bucket.ticket(PART, fromPart, 1, renewals.length);
    },
    inTouch: async () => {},
    onBytes: (count) => {
      arrived += count;
    },
    signal: new AbortController().signal,
    ...changes,
  };
  return { bytes, renewals, arrived: () => arrived, done: uploadFile(options) };
}

describe("a file", () => {
  it.each([
    ["that is empty", 0, 1],
    ["of one byte", 1, 1],
    ["of just one part", PART, 1],
    ["of a part and a byte", PART + 1, 2],
    ["of many parts", 10 * PART - 7, 10],
  ])("%s arrives whole, every part but the last of the same size, with its hash", async (_, size, parts) => {
    const { bytes, arrived, done } = await upload(size);
    const { entry, retries } = await done;
    expect(bucket.bytes().equals(bytes)).toBe(true);
    expect(entry).toMatchObject({
      upload_id: "u1",
      kind: "media",
      size,
      sha256: createHash("sha256").update(bytes).digest("hex"),
    });
    expect(entry.parts.map((part) => part.part_number)).toEqual(Array.from({ length: parts }, (_, at) => at + 1));
    expect(entry.parts.slice(0, -1).every((part) => part.size === PART)).toBe(true);
    expect(entry.parts.reduce((sum, part) => sum + part.size, 0)).toBe(size);
    expect([arrived(), retries]).toEqual([size, 0]);
    expect(bucket.mostAtOnce).toBeLessThanOrEqual(4);
  });

  it("whose ticket names only its first parts asks for more as it gets there", async () => {
    const size = 7 * PART;
    const ticket = bucket.ticket(PART, 1, 2);
    const { bytes, renewals, done } = await upload(size, { ticket });
    await done;
    expect(bucket.bytes().equals(bytes)).toBe(true);
    expect(Math.min(...renewals)).toBe(3);
    expect(renewals.length).toBeLessThanOrEqual(5);
  });
});

describe("a part", () => {
  it.each<[string, PartFault]>([
    ["answers 500", { status: 500 }],
    ["answers 503", { status: 503, body: "<Error><Code>SlowDown</Code></Error>" }],
    ["answers 429", { status: 429 }],
    ["is stored and its answer lost", "lost"],
    ["is cut in the middle", "cut"],
  ])("that %s is sent again, all of it, under the same URL", async (_, fault) => {
    bucket.fail(2, fault);
    const { bytes, renewals, done } = await upload(3 * PART);
    const { entry, retries } = await done;
    expect(bucket.bytes().equals(bytes)).toBe(true);
    expect(bucket.puts.filter((part) => part === 2)).toHaveLength(2);
    expect(entry.parts).toHaveLength(3);
    expect([retries, renewals]).toEqual([1, []]);
  });

  it("that is refused with 403 once is sent again under a fresh URL: the old one may have run out", async () => {
    bucket.fail(2, { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" });
    const { bytes, renewals, done } = await upload(3 * PART);
    await done;
    expect(bucket.bytes().equals(bytes)).toBe(true);
    expect(renewals).toEqual([2]);
    expect(bucket.paths.filter((each) => each.endsWith("/2"))).toEqual(["/0/2", "/1/2"]);
  });

  it("whose refusal never ends is sent again: so much text is not even taken", async () => {
    bucket.fail(1, "endless");
    const { bytes, done } = await upload(PART);
    expect((await done).retries).toBe(1);
    expect(bucket.bytes().equals(bytes)).toBe(true);
    expect(bucket.endlessBytes).toBeLessThan(32 * 1_048_576);
  });

  it("whose answer bears no ETag is not taken as stored", async () => {
    bucket.fail(1, "no-etag");
    const { done } = await upload(PART);
    expect((await done).retries).toBe(1);
  });

  it.each([
    ["content-md5", [2], "the store refuses it"],
    ["etag-md5", [], "the answer's ETag tells"],
  ] as const)("whose bytes change on the way is sent again where the ticket says %s", async (digest, renewed, _) => {
    bucket.fail(2, "flip");
    const { bytes, renewals, done } = await upload(3 * PART, { ticket: { ...bucket.ticket(PART, 1, 3), digest } });
    expect((await done).retries).toBe(1);
    expect(bucket.bytes().equals(bytes)).toBe(true);
    expect(renewals).toEqual(renewed);
    expect(bucket.told.every((md5) => (md5 !== null) === (digest === "content-md5"))).toBe(true);
  });

  it("whose ETag is none of its bytes, as the store encrypts by a key of its own, is taken as stored", async () => {
    bucket.fail(1, "encrypt");
    const { done } = await upload(PART, { ticket: { ...bucket.ticket(PART, 1, 1), digest: "etag-md5" } });
    expect((await done).retries).toBe(0);
  });

  it("that is refused six times fails the upload with class storage and the store's own code", async () => {
    const refused = { status: 403, body: "<Error><Code>AccessDenied</Code></Error>" };
    bucket.fail(1, ...Array<PartFault>(6).fill(refused));
    const { done } = await upload(PART);
    const error: unknown = await done.catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(MediaFailure);
    expect(error).toMatchObject({ class: "storage", message: "Upload failed: AccessDenied", permanent: true });
    expect(bucket.puts).toHaveLength(6);
  });

  it("that fails for good ends the others: none is under way when the upload has failed", async () => {
    bucket.fail(1, "hang");
    const renew = () => Promise.reject(new MediaFailure("storage", "Upload failed: no part URLs"));
    bucket.fail(2, { status: 403 });
    const { done } = await upload(2 * PART, { renew });
    await expect(done).rejects.toThrow("no part URLs");
    const puts = bucket.puts.length;
    await bucket.close();
    expect(bucket.puts).toHaveLength(puts);
    bucket = await FakeBucket.start();
  });
});

describe("an upload", () => {
  it("ends with its signal's own reason while a part hangs", async () => {
    bucket.fail(1, "hang");
    const abort = new AbortController();
    const { done } = await upload(PART, { signal: abort.signal });
    await bucket.until(() => bucket.puts.length === 1);
    abort.abort(new Error("lost"));
    await expect(done).rejects.toThrow("lost");
  });

  it("publishes nothing while the edge is out of touch, and goes on when it is back", async () => {
    const back = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const inTouch = () => {
      asked.resolve();
      return back.promise;
    };
    const { bytes, done } = await upload(2 * PART, { inTouch });
    await asked.promise;
    expect(bucket.puts).toEqual([]);
    back.resolve();
    await done;
    expect(bucket.bytes().equals(bytes)).toBe(true);
  });

  it("gives up on an edge whose tickets name no URLs, instead of asking for ever", async () => {
    const empty = { ...bucket.ticket(PART, 1, 1), urls: [] };
    const { done } = await upload(PART, { ticket: empty, renew: async () => empty });
    await expect(done).rejects.toThrow("Upload failed: no part URLs");
  });

  it("gives up on an edge whose tickets never name the part that was asked for", async () => {
    let asked = 0;
    const renew = async () => {
      asked++;
      return bucket.ticket(PART, 1, 1);
    };
    const { done } = await upload(2 * PART, { ticket: bucket.ticket(PART, 1, 1), renew });
    await expect(done).rejects.toThrow("Upload failed: no part URLs");
    expect(asked).toBe(1);
  });

  it("fails as itself when its file is gone, not as a fault of the store", async () => {
    const file = { kind: "media" as const, path: `${path}.gone`, language: null, size: PART };
    const { done } = await upload(PART, { file });
    await expect(done).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("putPart", () => {
  const buffer = Buffer.alloc(SLICE_BUFFER_BYTES);
  const md5 = async () => Buffer.alloc(16);
  const put = async (fault: PartFault, size = 100_000) => {
    await fileOf(size);
    bucket.fail(1, fault);
    const [first] = bucket.ticket(size, 1, 1).urls;
    const { signal } = new AbortController();
    return putPart({ url: first?.url ?? "", path, start: 0, size, buffer, md5, signal, idleTimeoutMs: 100 });
  };

  it.each<[PartFault, string, string]>([
    [{ status: 403, body: "<Error><Code>AccessDenied</Code></Error>" }, "refused", "AccessDenied"],
    [{ status: 403, body: "<s:Error><s:Code>AccessDenied</s:Code></s:Error>" }, "refused", "AccessDenied"],
    [{ status: 409, body: '{"error":"upload_closed"}' }, "refused", "upload_closed"],
    [{ status: 404, body: "<html>" }, "refused", "HTTP 404"],
    [{ status: 301 }, "refused", "HTTP 301"],
    [{ status: 429 }, "failed", "HTTP 429"],
    [{ status: 503, body: "<Error><Code>SlowDown</Code></Error>" }, "failed", "SlowDown"],
    [{ status: 400, body: `<Code>${"A".repeat(65)}</Code>` }, "refused", "HTTP 400"],
  ])("of a store that answers %j is %s, with the code %s", async (fault, kind, code) => {
    expect(await put(fault)).toEqual({ kind, code });
  });

  it("counts a store that does not answer as failed, once nothing has moved for its idle time", async () => {
    expect(await put("hang")).toEqual({ kind: "failed", code: "UND_ERR_HEADERS_TIMEOUT" });
  });

  it("counts a store that stops reading as failed too", async () => {
    expect(await put("stall", 8_000_000)).toEqual({ kind: "failed", code: "UND_ERR_HEADERS_TIMEOUT" });
  });

  it("counts a port where nobody listens as failed", async () => {
    await fileOf(1);
    const gone = bucket.ticket(1, 1, 1).urls[0]?.url ?? "";
    await bucket.close();
    const { signal } = new AbortController();
    expect(await putPart({ url: gone, path, start: 0, size: 1, buffer, md5, signal })).toEqual({
      kind: "failed",
      code: "ECONNREFUSED",
    });
    bucket = await FakeBucket.start();
  });
});
