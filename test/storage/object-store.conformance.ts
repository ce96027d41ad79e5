/**
 * What every ObjectStore must do, whatever it speaks to. An adapter's test calls {@link testObjectStore} with a way to
 * open one on a fresh store.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { CommitRequest } from "../../edge/storage/port.ts";
import {
  intentFor,
  md5Of,
  openPart,
  readAll,
  type StoreUnderTest,
  sampleBytes,
  sha256,
  Uploading,
} from "./uploading.ts";

export interface StoreTraits {
  /** Under a taken name the store links to the next suffix by itself instead of answering `taken`. */
  picksSuffix: boolean;
  /** The store has seen the whole file and knows its SHA-256; others check each part on its way (`partDigest`). */
  hashesFiles: boolean;
  /** Parts belong to an upload that ends, and are checked by their ETags. Azure knows blocks of a name only. */
  endsUploads: boolean;
  /** What a peer cannot do, though it is asked as it should be (docs/decisions/027). Defaults to nothing. */
  lacks?: readonly Lack[];
}

/**
 * `abort`: it answers 405. `digest`: it does not look at `Content-MD5`. `first-byte`: it takes a range of that one byte for the
 * whole. `absent-part`: it dies of a commit that names one.
 */
export type Lack = "abort" | "digest" | "first-byte" | "absent-part";

/** S3 and its kin, Azure, Azurite. */
const MD5_REFUSED = /BadDigest|Md5Mismatch|InvalidOperation/;

export function testObjectStore(name: string, open: () => Promise<StoreUnderTest>, traits: StoreTraits): void {
  describe(`${name} as an object store`, () => {
    let opened: StoreUnderTest;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(async () => {
      await opened.close();
    });

    const lacks = (what: Lack) => traits.lacks?.includes(what) === true;
    const begin = (key: string, size: number | null) => new Uploading(opened, intentFor(key, size)).begin();

    async function deliver(key: string, bytes: Uint8Array) {
      const upload = await begin(key, bytes.length);
      const request = upload.commitRequest(bytes, await upload.putAll(bytes));
      return { request, result: await opened.store.commit(request) };
    }

    const MIB = 1_048_576;
    const PART = 8 * MIB;
    it.each([0, 1, 70_000, PART - 1, PART, PART + 1, 2 * PART + 5])("keeps %i bytes as they were", async (size) => {
      const bytes = sampleBytes(size);
      const { result } = await deliver("videos/a.mp4", bytes);
      expect(result).toMatchObject({ kind: "committed", key: "videos/a.mp4", size });
      const head = await opened.store.head("videos/a.mp4");
      expect(head?.size).toBe(size);
      if (result.kind === "committed") expect(head?.etag).toBe(result.etag);
      expect(sha256((await readAll(opened.store, "videos/a.mp4")) ?? new Uint8Array(1))).toBe(sha256(bytes));
      expect((await opened.countUploads()) ?? 0).toBe(0);
    });

    it("keeps a file whose length was unknown at the beginning", async () => {
      const bytes = sampleBytes(3_000);
      const upload = await begin("live.ts", null);
      const result = await opened.store.commit(upload.commitRequest(bytes, await upload.putAll(bytes)));
      expect(result).toMatchObject({ kind: "committed", size: 3_000 });
    });

    it.each([
      "videos/Plain name.mp4",
      "videos/Ünïcödé – 日本語 🎬.mp4",
      "videos/100% #1 a+b&c=d;e,f'g(h)!@$.mp4",
      "videos/%2e%2e%2fescape.mp4",
      "@acct/videos/[x]{y}~^`.mp4",
    ])("takes the key %s literally", async (key) => {
      const bytes = sampleBytes(10);
      const { result } = await deliver(key, bytes);
      expect(result).toMatchObject({ kind: "committed", key });
      expect(await readAll(opened.store, key)).toEqual(bytes);
    });

    it("stands the probe, which leaves nothing behind", async () => {
      const key = "downloads/verify_credentials.txt";
      expect(await opened.store.verify({ key, signal: AbortSignal.timeout(10_000) })).toEqual({ ok: true });
      expect(await opened.store.head(key)).toBeNull();
    });

    it("gives a URL by which anybody reads an object, or none", async () => {
      const bytes = sampleBytes(10);
      const key = "videos/Ünïcödé 100% (1).mp4";
      await deliver(key, bytes);
      const url = await opened.store.presignRead({ key, expiresAt: Date.now() + 60_000, disposition: null });
      if (url !== null) expect(new Uint8Array(await (await fetch(url)).arrayBuffer())).toEqual(bytes);
      // Managed stores are served by the edge.
      expect(url === null).toBe(traits.picksSuffix || opened.store.putPart !== undefined);
    });

    it("serves any range", async () => {
      const bytes = sampleBytes(100_000);
      await deliver("r.mp4", bytes);
      const first = lacks("first-byte") ? 2 : 1;
      expect(await readAll(opened.store, "r.mp4", { offset: 0, length: first })).toEqual(bytes.subarray(0, first));
      expect(await readAll(opened.store, "r.mp4", { offset: 99_990, length: 10 })).toEqual(bytes.subarray(99_990));
      expect(await readAll(opened.store, "r.mp4", { offset: 65_535, length: 2 })).toEqual(
        bytes.subarray(65_535, 65_537),
      );
    });

    it("gives out the object that is meant, and never another one that lies there now", async () => {
      const bytes = sampleBytes(1_000);
      const { result } = await deliver("r.mp4", bytes);
      const etag = result.kind === "committed" ? result.etag : "";
      const read = async (range: { offset: number; length: number } | null, asked: string) => {
        const stream = await opened.store.read("r.mp4", range, asked);
        return stream && new Uint8Array(await new Response(stream).arrayBuffer());
      };
      expect(await read(null, etag)).toEqual(bytes);
      expect(await read({ offset: 10, length: 5 }, etag)).toEqual(bytes.subarray(10, 15));
      expect(await read(null, '"another"')).toBeNull();
      await opened.putForeign("r.mp4", sampleBytes(1_000, 7));
      expect(await read(null, etag)).toBeNull();
      expect(await read({ offset: 10, length: 5 }, etag)).toBeNull();
    });

    it("has nothing under a key that was never committed", async () => {
      await begin("later.mp4", 10);
      expect(await opened.store.head("later.mp4")).toBeNull();
      expect(await opened.store.read("later.mp4", null, null)).toBeNull();
      expect(await opened.store.delete("later.mp4", '"x"')).toBe(false);
    });

    it("answers a repeated commit as it did the first, and keeps one object", async () => {
      const { request, result } = await deliver("videos/a.mp4", sampleBytes(10));
      expect(await opened.store.commit(request)).toEqual(result);
      expect(await opened.store.commit(request)).toEqual(result);
      expect(await opened.store.head("videos/a (2).mp4")).toBeNull();
    });

    it("makes one object of commits that run at the same time", async () => {
      const bytes = sampleBytes(100);
      const upload = await begin("videos/a.mp4", 100);
      const request = upload.commitRequest(bytes, await upload.putAll(bytes));
      const results = await Promise.all([1, 2, 3].map(() => opened.store.commit(request)));
      expect(results).toEqual([results[0], results[0], results[0]]);
      expect(results[0]).toMatchObject({ kind: "committed", key: "videos/a.mp4" });
    });

    it("does not commit for another token", async () => {
      const bytes = sampleBytes(10);
      const upload = await begin("a.mp4", 10);
      const request = upload.commitRequest(bytes, await upload.putAll(bytes));
      expect(await opened.store.commit({ ...request, token: "1.2" })).toMatchObject({ kind: "refused" });
      expect(await opened.store.head("a.mp4")).toBeNull();
      expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
      expect(await opened.store.commit({ ...request, token: "1.2" })).toMatchObject({ kind: "refused" });
    });

    it("never overwrites an object that appeared since the upload began", async () => {
      const foreign = sampleBytes(20, 7);
      const bytes = sampleBytes(10);
      const upload = await begin("videos/a.mp4", 10);
      const parts = await upload.putAll(bytes);
      await opened.putForeign("videos/a.mp4", foreign);
      const result = await opened.store.commit(upload.commitRequest(bytes, parts));
      expect(result).toMatchObject(
        traits.picksSuffix ? { kind: "committed", key: "videos/a (2).mp4" } : { kind: "taken" },
      );
      expect(await readAll(opened.store, "videos/a.mp4")).toEqual(foreign);
    });

    const spoilt: [string, boolean, (r: CommitRequest) => CommitRequest][] = [
      ["a flipped byte", traits.hashesFiles, (r) => ({ ...r, sha256: sha256(sampleBytes(10, 2)) })],
      ["a part with another ETag", traits.endsUploads, (r) => ({ ...r, parts: [{ ...part(r), etag: '"other"' }] })],
      [
        "a part that never came",
        !lacks("absent-part"),
        (r) => ({ ...r, size: 20, parts: [...r.parts, { ...part(r), part_number: 2 }] }),
      ],
      ["a part that is longer than was told", true, (r) => ({ ...r, size: 9, parts: [{ ...part(r), size: 9 }] })],
      ["a part that is shorter than was told", true, (r) => ({ ...r, size: 11, parts: [{ ...part(r), size: 11 }] })],
    ];
    it.each(spoilt.filter(([, known]) => known))(
      "refuses %s, and a repeat of the job may help",
      async (_, _known, change) => {
        const bytes = sampleBytes(10);
        const upload = await begin("a.mp4", null);
        const request = change(upload.commitRequest(bytes, await upload.putAll(bytes)));
        expect(await opened.store.commit(request)).toMatchObject({ kind: "refused", permanent: false });
        expect(await opened.store.head("a.mp4")).toBeNull();
      },
    );

    // What a part on its way is held against, where the store does not hash the whole.
    const inParts = traits.hashesFiles || lacks("digest") ? [] : [10, PART];
    it.each(inParts)(
      "catches a byte of %i that was flipped on the way of a part, which is then none of the object's",
      async (size) => {
        const sent = sampleBytes(size);
        const arrived = sent.slice();
        arrived[size - 1] = (arrived[size - 1] ?? 0) ^ 1;
        const upload = await begin("a.mp4", size);
        if (opened.store.partDigest === "etag-md5") {
          // Here it is the node that compares.
          const [{ etag } = { etag: "" }] = await upload.putAll(arrived);
          expect(etag).toBe(`"${Buffer.from(md5Of(arrived), "base64").toString("hex")}"`);
          return;
        }
        expect(opened.store.partDigest).toBe("content-md5");
        const refused = await upload.put(1, arrived, md5Of(sent));
        expect([refused.status, await refused.text()]).toEqual([400, expect.stringMatching(MD5_REFUSED)]);
        // Whatever a node made of that answer.
        const part = { part_number: 1, etag: `"${Buffer.from(md5Of(arrived), "base64").toString("hex")}"`, size };
        expect(await opened.store.commit(upload.commitRequest(sent, [part]))).toMatchObject({ kind: "refused" });
        expect(await opened.store.head("a.mp4")).toBeNull();
        const request = upload.commitRequest(sent, await upload.putAll(sent));
        expect(await opened.store.commit(request)).toMatchObject({ kind: "committed", size });
        expect(sha256((await readAll(opened.store, "a.mp4")) ?? new Uint8Array())).toBe(sha256(sent));
      },
    );

    it("takes the last version of a part that was sent twice", async () => {
      const bytes = sampleBytes(10);
      const upload = await begin("a.mp4", 10);
      await (await upload.put(1, sampleBytes(10, 9))).body?.cancel();
      const parts = await upload.putAll(bytes);
      expect(await opened.store.commit(upload.commitRequest(bytes, parts))).toMatchObject({ kind: "committed" });
      expect(await readAll(opened.store, "a.mp4")).toEqual(bytes);
    });

    it("lets no late part touch a committed object", async () => {
      const bytes = sampleBytes(10);
      const upload = await begin("a.mp4", 10);
      const url = await upload.url(1);
      await opened.store.commit(upload.commitRequest(bytes, await upload.putAll(bytes)));
      const late = await fetch(url, { method: "PUT", body: "XXXXXXXXXX" });
      if (traits.endsUploads) expect(late.ok).toBe(false);
      await late.body?.cancel();
      expect(await readAll(opened.store, "a.mp4")).toEqual(bytes);
    });

    const aborting = lacks("abort") ? null : it;
    aborting?.("forgets an aborted upload; aborting twice or nothing is fine", async () => {
      const upload = await begin("a.mp4", 10);
      const url = await upload.url(1);
      await opened.store.abort(upload.uploadId, "a.mp4");
      await opened.store.abort(upload.uploadId, "a.mp4");
      await opened.store.abort("0123456789abcdef0123456789abcdef", "a.mp4");
      const late = await fetch(url, { method: "PUT", body: "0123456789" });
      if (traits.endsUploads) expect(late.ok).toBe(false);
      await late.body?.cancel();
      expect((await opened.countUploads()) ?? 0).toBe(0);
    });

    aborting?.(
      "takes back what an aborted upload has committed, and leaves what somebody else put there since",
      async () => {
        const { request } = await deliver("a.mp4", sampleBytes(10));
        await opened.store.abort(request.uploadId, "a.mp4");
        expect(await opened.store.head("a.mp4")).toBeNull();
        const again = await deliver("b.mp4", sampleBytes(10));
        const etag = again.result.kind === "committed" ? again.result.etag : "";
        expect(await opened.store.delete("b.mp4", etag)).toBe(true);
        await opened.putForeign("b.mp4", sampleBytes(20, 7));
        await opened.store.abort(again.request.uploadId, "b.mp4");
        expect(await readAll(opened.store, "b.mp4")).toEqual(sampleBytes(20, 7));
      },
    );

    const ending = traits.endsUploads ? it : null;
    ending?.("aborts at once while a part is being sent", async () => {
      const upload = await begin("a.mp4", 1_000);
      const sending = openPart(await upload.url(1));
      await sending.firstBytesSent;
      await opened.store.abort(upload.uploadId, "a.mp4");
      expect((await opened.countUploads()) ?? 0).toBe(0);
      sending.end();
      expect(await sending.succeeded).toBe(false);
    });

    it("deletes only the object with the ETag that it committed", async () => {
      const { result } = await deliver("videos/a.mp4", sampleBytes(10));
      const etag = result.kind === "committed" ? result.etag : "";
      expect(await opened.store.delete("videos/a.mp4", '"someone-elses"')).toBe(false);
      expect(await opened.store.head("videos/a.mp4")).not.toBeNull();
      expect(await opened.store.delete("videos/a.mp4", etag)).toBe(true);
      expect(await opened.store.delete("videos/a.mp4", etag)).toBe(false);
    });
  });
}

function part(request: CommitRequest) {
  const first = request.parts[0];
  if (first === undefined) throw new Error("The request has no part");
  return first;
}
