import { afterAll, beforeAll } from "vitest";
import { testObjectStore } from "../object-store.conformance.ts";
import { type S3rver, startS3rver } from "./s3rver.ts";

let server: S3rver;
beforeAll(async () => {
  server = await startS3rver();
});
afterAll(() => server.stop());

testObjectStore("s3rver", () => server.open(), {
  picksSuffix: false,
  hashesFiles: false,
  // Parts are files by number: nothing compares their ETags.
  endsUploads: false,
  lacks: ["abort", "digest", "first-byte", "absent-part"],
});
