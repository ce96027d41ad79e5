/** What goes wrong with a bucket that is not ours, on a server of its family: every fault as the answer that it must be. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StoreNetwork } from "../../edge/storage/network.ts";
import type { ObjectStore } from "../../edge/storage/port.ts";
import { StoreError } from "../../edge/storage/store-error.ts";
import type { BucketServer } from "./peers/bucket-server.ts";
import { type BucketUnderTest, network } from "./peers/open-bucket.ts";
import { intentFor, readAll, sampleBytes, sha256, Uploading } from "./uploading.ts";

export interface OpenOptions {
  wrongSecret?: boolean;
  bucket?: string;
}

const MINUTE = 60_000;

export function testBucketFaults(
  name: string,
  open: () => Promise<BucketUnderTest>,
  /** A store on the same server, with something wrong about it. */
  reopen: (server: BucketServer, network: StoreNetwork, options: OpenOptions) => ObjectStore,
): void {
  describe(`${name}, when something is wrong`, () => {
    let opened: BucketUnderTest;
    const signal = AbortSignal.timeout(MINUTE);
    const probe = { key: "verify_credentials.txt", signal };
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    async function uploaded(bytes: Uint8Array) {
      const upload = await new Uploading(opened, intentFor("videos/a.mp4", bytes.length)).begin();
      return upload.commitRequest(bytes, await upload.putAll(bytes));
    }

    it("verifies good credentials and leaves nothing behind", async () => {
      expect(await opened.store.verify(probe)).toEqual({ ok: true });
      expect(opened.server.objects.size).toBe(0);
    });

    it("names a wrong secret and a missing bucket by the provider's code, for good", async () => {
      const wrong = reopen(opened.server, network(), { wrongSecret: true });
      expect(await wrong.verify(probe)).toEqual({ ok: false, code: "SignatureDoesNotMatch" });
      const missing = reopen(opened.server, network(), { bucket: "no-such-bucket" });
      expect(await missing.verify(probe)).toEqual({ ok: false, code: "NoSuchBucket" });
      const failed = await wrong.begin(intentFor("a.mp4", 1)).catch((error: unknown) => error);
      expect(failed).toBeInstanceOf(StoreError);
      expect(failed).toMatchObject({ code: "SignatureDoesNotMatch", fault: "permanent" });
    });

    it("takes credentials that have run out for good, and throttling for a while", async () => {
      const request = await uploaded(sampleBytes(10));
      const complete = ({ method }: { method: string }) => method === "POST";
      for (const [status, code] of [
        [503, "SlowDown"],
        [500, "InternalError"],
      ] as const) {
        opened.server.fail(complete, { status, code });
        expect(await opened.store.commit(request)).toEqual({ kind: "unavailable", code });
      }
      opened.server.fail(complete, { status: 403, code: "AccessDenied" });
      expect(await opened.store.commit(request)).toMatchObject({ kind: "refused", permanent: true });
      expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
    });

    it("sets its clock by the server's when that is twenty minutes off, for requests and URLs alike", async () => {
      opened.server.skewMs = 20 * MINUTE;
      const bytes = sampleBytes(10);
      expect(await opened.store.commit(await uploaded(bytes))).toMatchObject({ kind: "committed" });
      opened.server.skewMs = 0;
      expect(await opened.store.head("videos/a.mp4")).toMatchObject({ size: 10 });
    });

    it("resolves a commit whose answer was lost by what lies there", async () => {
      const request = await uploaded(sampleBytes(10));
      opened.server.fail(({ method }) => method === "POST", "lost");
      expect(await opened.store.commit(request)).toMatchObject({ kind: "committed", size: 10 });
      expect(opened.server.objects.size).toBe(1);
    });

    it("sees an object that appears between its look and its commit", async () => {
      const foreign = sampleBytes(20, 7);
      const request = await uploaded(sampleBytes(10));
      // The look finds nothing; then somebody is faster.
      opened.server.fail(
        ({ method, key }) => {
          if (method === "POST") opened.server.put(key, foreign);
          return false;
        },
        { status: 500, code: "Unused" },
      );
      expect(await opened.store.commit(request)).toEqual({ kind: "taken" });
      expect(await readAll(opened.store, "videos/a.mp4")).toEqual(foreign);
    });

    it("takes what was put in its object's place before it could look for somebody else's, and leaves it", async () => {
      const foreign = sampleBytes(10, 7);
      const request = await uploaded(sampleBytes(10));
      let completed = false;
      opened.server.fail(
        ({ method, key }) => {
          if (completed && method === "HEAD") opened.server.put(key, foreign);
          completed = method === "POST";
          return false;
        },
        { status: 500, code: "Unused" },
      );
      expect(await opened.store.commit(request)).toEqual({ kind: "taken" });
      expect(await readAll(opened.store, "videos/a.mp4")).toEqual(foreign);
    });

    it("tells what was put in the place of the object that it has just made, though that looks as if it had made it", async () => {
      const request = await uploaded(sampleBytes(10));
      opened.server.fail(({ method }) => method === "POST", "replaced");
      expect(await opened.store.commit(request)).toEqual({ kind: "taken", replaced: true });
      const lies = await readAll(opened.store, "videos/a.mp4");
      expect([lies?.length, sha256(lies ?? new Uint8Array()) === request.sha256]).toEqual([10, false]);
    });

    it("does not take another upload of the same job for this one", async () => {
      const first = await uploaded(sampleBytes(10));
      const upload = await new Uploading(opened, { ...intentFor("videos/a.mp4", 10), job: first.job }).begin();
      const second = upload.commitRequest(sampleBytes(10), await upload.putAll(sampleBytes(10)));
      expect(await opened.store.commit(first)).toMatchObject({ kind: "committed" });
      expect(await opened.store.commit(second)).toEqual({ kind: "taken" });
    });

    it("goes nowhere that the guard does not allow", async () => {
      const closed = reopen(opened.server, network({ accepts: () => false }), {});
      expect(await closed.verify(probe)).toEqual({ ok: false, code: "unreachable" });
      expect(opened.server.asked).toEqual([]);
    });

    it("tells a probe that does not come back in time", async () => {
      const slow = reopen(
        opened.server,
        network({
          fetch: (_, init) =>
            new Promise((_resolve, reject) => {
              const end = () => reject(init.signal?.reason);
              if (init.signal?.aborted) end();
              init.signal?.addEventListener("abort", end);
            }),
        }),
        {},
      );
      const over = new AbortController();
      const result = slow.verify({ ...probe, signal: over.signal });
      over.abort();
      expect(await result).toEqual({ ok: false, code: "timeout" });
    });

    it("gives URLs by which anybody reads the object, under the name that was asked for", async () => {
      const bytes = sampleBytes(1_000);
      await opened.store.commit(await uploaded(bytes));
      const disposition = "attachment; filename*=UTF-8''A%20talk.mp4";
      const url = await opened.store.presignRead({ key: "videos/a.mp4", expiresAt: Date.now() + MINUTE, disposition });
      const answer = await fetch(url ?? "", { headers: { range: "bytes=10-19" } });
      expect(answer.status).toBe(206);
      expect(answer.headers.get("content-disposition")).toBe(disposition);
      expect(answer.headers.get("content-type")).toBe("video/mp4");
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes.subarray(10, 20));
    });
  });
}
