import { afterAll, beforeAll } from "vitest";
import { testObjectStore } from "../object-store.conformance.ts";
import { openFakeS3 } from "./harness.ts";
import { type LocalR2, startR2 } from "./r2.ts";

const traits = { picksSuffix: false, hashesFiles: false, endsUploads: true };
testObjectStore("a bucket that knows conditions", () => openFakeS3(), traits);
testObjectStore("a bucket that ignores conditions", () => openFakeS3({ conditions: "ignored" }), traits);
testObjectStore("a bucket that answers 501 to conditions", () => openFakeS3({ conditions: "refused" }), traits);

let r2: LocalR2;
beforeAll(async () => {
  r2 = await startR2(40);
});
afterAll(() => r2.stop());
testObjectStore("Cloudflare's local R2, by its S3 API,", async () => r2.open(), traits);
