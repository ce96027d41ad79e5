import { watch } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { proxyPartPut } from "../../../edge/storage/disk-proxy.ts";
import { intentFor, sampleBytes, Uploading } from "../uploading.ts";
import { type DiskUnderTest, openDisk } from "./harness.ts";

const MIB = 1_048_576;
let disk: DiskUnderTest;
let clock = Date.now();

beforeEach(async () => {
  clock = Date.now();
  disk = await openDisk({ now: () => clock });
});
afterEach(async () => {
  await disk.close();
});

const begin = (size: number | null) => new Uploading(disk, intentFor("a.mp4", size)).begin();

async function put(url: string, body: string): Promise<{ status: number; text: string }> {
  const response = await fetch(url, { method: "PUT", body });
  return { status: response.status, text: await response.text() };
}

/** A part on a bare socket, with its length declared or chunked, that ends only when told. */
function rawPut(url: string, headers: Record<string, string> = {}) {
  const request = httpRequest(url, { method: "PUT", headers });
  const status = new Promise<number | string>((resolve) => {
    request.on("response", (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "error"));
  });
  return { request, status };
}

/** Resolves once bytes of the upload have reached its temp file. */
async function written(upload: Uploading, send: () => void): Promise<void> {
  const name = `${upload.uploadId}.part`;
  const watcher = watch(join(disk.downloads, ".trawl"));
  try {
    const seen = new Promise<void>((resolve) => {
      watcher.on("change", (_, file) => {
        if (file === name) resolve();
      });
    });
    send();
    await seen;
  } finally {
    watcher.close();
  }
}

describe("a part URL of the disk store", () => {
  it("permits its one part, and answers with an ETag that names this write of it", async () => {
    const upload = await begin(10);
    const response = await upload.put(1, sampleBytes(10));
    expect(response.status).toBe(200);
    expect(response.headers.get("etag")).toMatch(/^"[0-9a-f-]{36,64}"$/);
    await response.body?.cancel();
  });

  it.each([
    ["another part", (url: string) => url.replace("/1?", "/2?")],
    [
      "another upload",
      (url: string) => url.replace(/\/u\/./, (text) => text.slice(0, 3) + (text.endsWith("a") ? "b" : "a")),
    ],
    ["a larger maximum", (url: string) => url.replace("max=", "max=9")],
    ["a later end", (url: string) => url.replace("exp=", "exp=9")],
    ["another signature", (url: string) => url.slice(0, -1) + (url.endsWith("0") ? "1" : "0")],
    ["no signature", (url: string) => url.replace(/&sig=.*/, "")],
  ])("does not permit %s", async (_, change) => {
    const upload = await begin(null);
    expect(await put(change(await upload.url(1)), "x")).toMatchObject({ status: 403 });
  });

  it("ends with its time", async () => {
    const upload = await begin(10);
    const url = await upload.url(1, 1_000);
    clock += 1_000_000;
    expect(await put(url, "x")).toMatchObject({ status: 403 });
  });

  it("is for PUT only", async () => {
    const upload = await begin(10);
    const response = await fetch(await upload.url(1), { method: "POST", body: "x" });
    expect(response.status).toBe(404);
    await response.body?.cancel();
  });

  it("refuses a part over its maximum, declared or not", async () => {
    const upload = await begin(null);
    const url = await upload.url(1);
    const declared = rawPut(url, { "content-length": String(upload.partSize + 1) });
    declared.request.flushHeaders();
    expect(await declared.status).toBe(413);
    declared.request.destroy();
    const chunked = rawPut(url);
    chunked.request.end(Buffer.alloc(upload.partSize + 1));
    expect(await chunked.status).toBe(413);
  });

  it("refuses bytes past the end of a file whose size is known", async () => {
    const upload = await begin(10);
    expect(await put(await upload.url(1), "01234567890")).toMatchObject({ status: 413 });
    expect(await put(await upload.url(2), "x")).toMatchObject({ status: 413 });
  });

  it("points at the service for a node on this host and at the edge for any other", async () => {
    const { uploadId, partSize } = await begin(10);
    const ask = {
      uploadId,
      key: "a.mp4",
      fromPart: 3,
      count: 2,
      partSize,
      relay: () => Promise.reject(new Error("no relay")),
      expiresAt: clock + 1_000,
    };
    for (const origin of ["http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://x.localhost:1"]) {
      const urls = await disk.store.presignParts({ ...ask, origin });
      expect(urls.map((part) => new URL(part.url).origin)).toEqual([disk.service.url, disk.service.url]);
      expect(urls.map((part) => part.part_number)).toEqual([3, 4]);
    }
    for (const origin of ["https://trawl.example", "http://192.168.1.5:8080", "http://127.example.com"]) {
      const [first] = await disk.store.presignParts({ ...ask, origin });
      expect(new URL(first?.url ?? "").origin).toBe(origin);
    }
  });

  it("works through the public port, which reaches nothing else of the service", async () => {
    const upload = await begin(10);
    const url = (await upload.url(1)).replace(disk.service.url, "https://trawl.example");
    const binding = {
      fetch: (to: string, init?: RequestInit) => fetch(to.replace("http://store", disk.service.url), init),
    };
    const request = new Request(url, { method: "PUT", body: "0123456789", headers: { "content-length": "10" } });
    const response = await proxyPartPut(request, binding);
    expect(response?.status).toBe(200);
    await response?.body?.cancel();
    const headers = { authorization: "Bearer test-secret" };
    for (const path of ["/control/head", "/_store/../control/head", "/_store/u/..%2f..%2fcontrol/1", "/_store/u/x/1"]) {
      expect(proxyPartPut(new Request(`https://trawl.example${path}`, { method: "PUT", headers }), binding)).toBeNull();
    }
    expect(proxyPartPut(new Request(url, { method: "POST", headers }), binding)).toBeNull();
  });
});

describe("a part that is still being received", () => {
  const first = Buffer.from(sampleBytes(2 * MIB));

  it("is cut by an abort, which leaves no file", async () => {
    const upload = await begin(8 * MIB);
    const { request, status } = rawPut(await upload.url(1));
    await written(upload, () => request.write(first));
    await disk.store.abort(upload.uploadId, "a.mp4");
    expect(await disk.temporary()).toEqual([]);
    expect(await status).not.toBe(200);
  });

  it("is cut by the commit, and the file is what was acknowledged before", async () => {
    const upload = await begin(null);
    const bytes = sampleBytes(upload.partSize, 3);
    const parts = await upload.putAll(bytes);
    const { request, status } = rawPut(await upload.url(2));
    await written(upload, () => request.write(first));
    expect(await disk.store.commit(upload.commitRequest(bytes, parts))).toMatchObject({
      kind: "committed",
      size: bytes.length,
    });
    expect(await status).not.toBe(200);
    expect((await disk.store.head("a.mp4"))?.size).toBe(bytes.length);
  });

  it("gives way to a newer try of the same part", async () => {
    const upload = await begin(8 * MIB);
    const stale = rawPut(await upload.url(1));
    await written(upload, () => stale.request.write(first));
    const bytes = sampleBytes(8 * MIB, 5);
    const parts = await upload.putAll(bytes);
    expect(await stale.status).not.toBe(200);
    expect(await disk.store.commit(upload.commitRequest(bytes, parts))).toMatchObject({ kind: "committed" });
  });

  it("makes a part that was acknowledged before count as missing when it ends early", async () => {
    const upload = await begin(8 * MIB);
    const bytes = sampleBytes(8 * MIB);
    const parts = await upload.putAll(bytes);
    const again = rawPut(await upload.url(1));
    await written(upload, () => again.request.write(Buffer.alloc(2 * MIB)));
    again.request.destroy();
    await again.status;
    const result = await disk.store.commit(upload.commitRequest(bytes, parts));
    expect(result).toMatchObject({ kind: "refused", permanent: false });
    expect(await disk.temporary()).toEqual([]);
  });
});

describe("the control calls", () => {
  it("ask for the secret", async () => {
    for (const authorization of ["", "Bearer ", "Bearer wrong", "test-secret", "Bearer test-secret2"]) {
      const response = await fetch(`${disk.service.url}/control/head`, {
        method: "POST",
        body: '{"key":"a"}',
        headers: { authorization },
      });
      expect(response.status).toBe(401);
      await response.body?.cancel();
    }
  });

  it("answer nonsense with 400 and unknown calls with 404", async () => {
    const headers = { authorization: "Bearer test-secret" };
    const call = async (name: string, body: string) => {
      const response = await fetch(`${disk.service.url}/control/${name}`, { method: "POST", body, headers });
      await response.body?.cancel();
      return response.status;
    };
    expect(await call("head", "{")).toBe(400);
    expect(await call("head", '{"key":1}')).toBe(400);
    expect(await call("constructor", "{}")).toBe(404);
  });
});
