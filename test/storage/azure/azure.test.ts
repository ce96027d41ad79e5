/** What is Azure's own: a clock that is off, wrong keys, a customer's SAS that never leaves the edge. */

import { createHash } from "node:crypto";
import { BlobSASPermissions } from "@azure/storage-blob";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { azureStore } from "../../../edge/storage/azure/azure.ts";
import type { StoreNetwork } from "../../../edge/storage/network.ts";
import type { ObjectStore } from "../../../edge/storage/port.ts";
import { network } from "../peers/open-bucket.ts";
import { intentFor, readAll, sampleBytes, sha256, Uploading } from "../uploading.ts";
import { type Azurite, configFor, openAzure, sasOf, startAzurite } from "./azurite.ts";

const MINUTE = 60_000;
/** Their list is longer than 64 KiB. */
const BLOCKS = 800;

let azurite: Azurite;
let opened: Awaited<ReturnType<typeof openAzure>>;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());
beforeEach(async () => {
  opened = await openAzure(azurite);
});
afterEach(() => opened.close());

const probe = () => ({ key: "verify_credentials.txt", signal: AbortSignal.timeout(MINUTE) });

async function uploaded(bytes: Uint8Array) {
  const upload = await new Uploading(opened, intentFor("videos/a.mp4", bytes.length)).begin();
  return upload.commitRequest(bytes, await upload.putAll(bytes));
}

describe("Azure, when something is wrong", () => {
  it("verifies good credentials and leaves nothing behind", async () => {
    expect(await opened.store.verify(probe())).toEqual({ ok: true });
    expect(await opened.store.head("verify_credentials.txt")).toBeNull();
  });

  it.each([
    [403, "private", "unreachable", "permanent"],
    [502, "unresolvable", "unreachable", "unavailable"],
    [504, "timeout", "timeout", "unavailable"],
  ])(
    "tells what the egress guard answers with %i (%s) as %s, not as Azure's word",
    async (status, reason, code, fault) => {
      const guard = () => Promise.resolve(new Response(null, { status, headers: { "x-trawl-egress": reason } }));
      const store = azureStore(configFor(opened.container), network({ fetch: guard }), azurite.serviceUrl);
      expect(await store.verify(probe())).toEqual({ ok: false, code });
      await expect(store.head("videos/a.mp4")).rejects.toMatchObject({ code, fault });
    },
  );

  it("names a wrong key and a missing container by Azure's code, for good", async () => {
    const key = Buffer.alloc(64, 1).toString("base64");
    const wrong = azureStore({ ...configFor(opened.container), account_key: key }, network(), azurite.serviceUrl);
    expect(await wrong.verify(probe())).toEqual({ ok: false, code: "AuthorizationFailure" });
    const missing = azureStore(configFor("no-such-container"), network(), azurite.serviceUrl);
    expect(await missing.verify(probe())).toEqual({ ok: false, code: "ContainerNotFound" });
    const request = await uploaded(sampleBytes(10));
    expect(await wrong.commit(request)).toMatchObject({ kind: "refused", permanent: true });
    expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
  });

  it.each([-20, 20])(
    "sets its clock, %i minutes off, by Azure's, for requests, part URLs and read URLs",
    async (off) => {
      const now = () => Date.now() + off * MINUTE;
      const store = azureStore(configFor(opened.container), network({ now }), azurite.serviceUrl);
      expect(await store.verify(probe())).toEqual({ ok: true });
      const bytes = sampleBytes(10);
      const intent = intentFor("videos/a.mp4", 10);
      const { uploadId, partSize } = await store.begin(intent);
      // A quarter of an hour by our clock; by Azure's that would be over, or long from now.
      const ask = { uploadId, key: intent.key, fromPart: 1, count: 1, partSize, origin: "https://edge.test" };
      const relay = () => Promise.reject(new Error("no relay"));
      const [part] = await store.presignParts({ ...ask, relay, expiresAt: now() + 15 * MINUTE });
      const url = new URL(part?.url ?? "");
      expect(Math.abs(Date.parse(url.searchParams.get("se") ?? "") - Date.now() - 15 * MINUTE)).toBeLessThan(10_000);
      const sent = await fetch(url, { method: "PUT", body: bytes as Uint8Array<ArrayBuffer> });
      expect(sent.status).toBe(201);
      const etag = sent.headers.get("content-md5") ?? "";
      await sent.body?.cancel();
      const parts = [{ part_number: 1, etag, size: 10 }];
      const request = { ...intent, uploadId, size: 10, sha256: sha256(bytes), parts };
      expect(await store.commit(request)).toMatchObject({ kind: "committed" });
      const read = await store.presignRead({ key: intent.key, expiresAt: now() + MINUTE, disposition: null });
      expect(new Uint8Array(await (await fetch(read ?? "")).arrayBuffer())).toEqual(bytes);
      // The offset is remembered by origin: here is a clock that is right again.
      expect(await opened.store.verify(probe())).toEqual({ ok: true });
    },
  );

  it("joins more blocks than fit into a short answer: a file of several gigabytes has thousands", async () => {
    const { store } = opened;
    const bytes = sampleBytes(BLOCKS);
    const intent = intentFor("videos/long.mp4", BLOCKS);
    const { uploadId, partSize } = await store.begin(intent);
    const relay = () => Promise.reject(new Error("no relay"));
    const expiresAt = Date.now() + 15 * MINUTE;
    const ask = { uploadId, key: intent.key, fromPart: 1, count: BLOCKS, partSize, origin: "https://edge.test" };
    const waiting = await store.presignParts({ ...ask, relay, expiresAt });
    const send = async () => {
      for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
        const body = bytes.slice(part.part_number - 1, part.part_number) as Uint8Array<ArrayBuffer>;
        const sent = await fetch(part.url, { method: "PUT", body });
        expect([sent.status, await sent.text()]).toEqual([201, ""]);
      }
    };
    await Promise.all(Array.from({ length: 16 }, send));
    const parts = Array.from(bytes, (_, at) => ({ part_number: at + 1, etag: `"${at + 1}"`, size: 1 }));
    const request = { ...intent, uploadId, size: BLOCKS, sha256: sha256(bytes), parts };
    expect(await store.commit(request)).toMatchObject({ kind: "committed", size: BLOCKS });
    expect(await readAll(store, intent.key)).toEqual(bytes);
  });

  it("takes a block list that ends early for no answer: the blocks that it does not name may be there", async () => {
    const request = await uploaded(sampleBytes(10));
    const cutAt = async (mark: string) => {
      const cut: StoreNetwork["fetch"] = async (url, init) => {
        const answer = await fetch(url, init);
        if (!url.includes("blocklisttype=")) return answer;
        const text = await answer.text();
        expect(text).toContain(mark);
        return new Response(text.slice(0, text.indexOf(mark)), { headers: answer.headers });
      };
      return azureStore(configFor(opened.container), network({ fetch: cut }), azurite.serviceUrl).commit(request);
    };
    expect(await cutAt("<Block>")).toEqual({ kind: "unavailable", code: "unreachable" });
    expect(await cutAt("</BlockList>")).toEqual({ kind: "unavailable", code: "unreachable" });
    expect(await opened.store.commit(request)).toMatchObject({ kind: "committed", size: 10 });
  });

  it("resolves a commit whose answer was lost by what lies there", async () => {
    const request = await uploaded(sampleBytes(10));
    const deaf = azureStore(
      configFor(opened.container),
      network({
        async fetch(url, init) {
          const answer = await fetch(url, init);
          if (!url.includes("comp=blocklist") || init.method !== "PUT") return answer;
          await answer.body?.cancel();
          throw new TypeError("connection reset");
        },
      }),
      azurite.serviceUrl,
    );
    expect(await deaf.commit(request)).toMatchObject({ kind: "committed", size: 10 });
  });

  it("takes what was put in its blob's place before it could look for somebody else's, though it looks the same", async () => {
    const foreign = sampleBytes(10, 7);
    const request = await uploaded(sampleBytes(10));
    const blob = azurite.client.getContainerClient(opened.container).getBlockBlobClient(request.key);
    const replaced = async (url: string, init?: RequestInit) => {
      const answer = await fetch(url, init);
      if (init?.method === "PUT" && url.includes("comp=blocklist")) {
        const { metadata = {} } = await blob.getProperties();
        await blob.uploadData(foreign as Uint8Array<ArrayBuffer>, { metadata });
      }
      return answer;
    };
    const store = azureStore(configFor(opened.container), network({ fetch: replaced }), azurite.serviceUrl);
    expect(await store.commit(request)).toEqual({ kind: "taken", replaced: true });
    expect(await readAll(store, request.key)).toEqual(foreign);
  });

  it("gives a read URL that ends, under the name that was asked for", async () => {
    const bytes = sampleBytes(1_000);
    await opened.store.commit(await uploaded(bytes));
    const disposition = "attachment; filename*=UTF-8''A%20talk.mp4";
    const read = (expiresAt: number) => opened.store.presignRead({ key: "videos/a.mp4", expiresAt, disposition });
    const answer = await fetch((await read(Date.now() + MINUTE)) ?? "", { headers: { range: "bytes=10-19" } });
    expect(answer.status).toBe(206);
    expect(answer.headers.get("content-disposition")).toBe(disposition);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(bytes.subarray(10, 20));
    const late = await fetch((await read(Date.now() - MINUTE)) ?? "");
    expect(late.status).toBe(403);
    await late.body?.cancel();
  });

  it("lets a part URL write its own blob only, and read nothing", async () => {
    const upload = await new Uploading(opened, intentFor("videos/a.mp4", 10)).begin();
    const url = new URL(await upload.url(1));
    const read = await fetch(url.href.replace(/comp=block&blockid=[^&]*&/, ""));
    expect(read.ok).toBe(false);
    await read.body?.cancel();
    url.pathname = url.pathname.replace("a.mp4", "b.mp4");
    const other = await fetch(url, { method: "PUT", body: "0123456789" });
    expect(other.status).toBe(403);
    await other.body?.cancel();
  });
});

describe("Azure with a SAS of the customer's", () => {
  let store: ObjectStore;

  beforeEach(async () => {
    const { account_key: _, ...config } = configFor(opened.container);
    const sas_token = await sasOf(azurite, opened.container);
    store = azureStore({ ...config, sas_token }, network(), azurite.serviceUrl);
  });

  it("writes by parts that pass through the edge, and gives no URL away", async () => {
    const bytes = sampleBytes(9 * 1_048_576);
    const intent = intentFor("videos/Ünïcödé & more.mp4", bytes.length);
    const { uploadId, partSize } = await store.begin(intent);
    expect(partSize).toBe(8 * 1_048_576);
    const relay = (part: number) => Promise.resolve(`https://trawl.example/_store/r/${part}`);
    const ask = { uploadId, key: intent.key, fromPart: 1, count: 2, partSize, origin: "https://trawl.example", relay };
    const urls = await store.presignParts({ ...ask, expiresAt: Date.now() + MINUTE });
    expect(urls.map(({ url }) => url)).toEqual([
      "https://trawl.example/_store/r/1",
      "https://trawl.example/_store/r/2",
    ]);
    const parts = await Promise.all(
      [1, 2].map(async (partNumber) => {
        const slice = bytes.subarray((partNumber - 1) * partSize, partNumber * partSize);
        const md5 = createHash("md5").update(slice).digest("base64");
        const body = new Response(slice as Uint8Array<ArrayBuffer>).body ?? slice;
        const etag = await store.putPart?.({ uploadId, key: intent.key, partNumber, size: slice.length, body, md5 });
        return { part_number: partNumber, etag: etag ?? "", size: slice.length };
      }),
    );
    const request = { ...intent, uploadId, size: bytes.length, sha256: sha256(bytes), parts };
    expect(await store.commit(request)).toMatchObject({ kind: "committed", size: bytes.length });
    expect(sha256((await readAll(store, intent.key)) ?? new Uint8Array())).toBe(sha256(bytes));
    expect(await store.presignRead({ key: intent.key, expiresAt: Date.now() + MINUTE, disposition: null })).toBeNull();
  });

  it("refuses a part whose bytes were changed on the way", async () => {
    const intent = intentFor("videos/a.mp4", 10);
    const { uploadId } = await store.begin(intent);
    const md5 = createHash("md5").update("other").digest("base64");
    const part = { uploadId, key: intent.key, partNumber: 1, size: 10, body: sampleBytes(10), md5 };
    await expect(store.putPart?.(part)).rejects.toMatchObject({ fault: "refused" });
  });

  it("says for good that a SAS has run out", async () => {
    const url = await azurite.client
      .getContainerClient(opened.container)
      .getBlobClient("x")
      .generateSasUrl({ permissions: BlobSASPermissions.parse("r"), expiresOn: new Date(Date.now() - MINUTE) });
    const { account_key: _, ...config } = configFor(opened.container);
    const old = azureStore({ ...config, sas_token: new URL(url).search }, network(), azurite.serviceUrl);
    expect(await old.verify(probe())).toMatchObject({ ok: false, code: "AuthorizationFailure" });
  });
});
