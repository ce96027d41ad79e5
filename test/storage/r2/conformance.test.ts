import { afterAll, beforeAll, expect, it } from "vitest";
import { testObjectStore } from "../object-store.conformance.ts";
import { intentFor, readAll, sampleBytes, Uploading } from "../uploading.ts";
import { type BoundR2, startBoundR2 } from "./open-r2.ts";

let r2: BoundR2;
beforeAll(async () => {
  r2 = await startBoundR2(60);
});
afterAll(() => r2.stop());

testObjectStore("R2 by its binding", () => r2.open(), { picksSuffix: false, hashesFiles: false, endsUploads: true });

it("R2 by its binding takes no part whose MD5 was asked for and not told, but does where an older edge did not ask", async () => {
  const opened = await r2.open();
  const bytes = sampleBytes(10);
  const upload = await new Uploading(opened, intentFor("a.mp4", bytes.length)).begin();
  const untold = await upload.put(1, bytes, null);
  expect([untold.status, await untold.json()]).toEqual([400, { error: "MissingRequiredHeader" }]);
  const place = { uploadId: upload.uploadId, key: "a.mp4", part: 1 };
  const older = await r2.relay.url(place, { bucket: opened.bucket }, false);
  const taken = await fetch(older, { method: "PUT", body: bytes as Uint8Array<ArrayBuffer> });
  const part = { part_number: 1, etag: taken.headers.get("etag") ?? "", size: bytes.length };
  expect(await opened.store.commit(upload.commitRequest(bytes, [part]))).toMatchObject({ kind: "committed" });
  expect(await readAll(opened.store, "a.mp4")).toEqual(bytes);
});
