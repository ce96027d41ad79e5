/** An object of our size and with our metadata that somebody puts in the place of ours before it was looked at (docs/decisions/117). */
import { afterEach, expect, describe as group, it } from "vitest";
import { intentFor, sampleBytes, sha256, Uploading } from "../uploading.ts";
import type { S3Fault } from "./control.ts";
import type { FakeS3Options } from "./fake-s3.ts";
import { BUCKET, openFakeS3, type S3UnderTest } from "./harness.ts";

const KEY = "videos/a.mp4";
const PART = 8 * 1_048_576;
/** Two parts. */
const BYTES = sampleBytes(PART + 10);

let opened: S3UnderTest;
afterEach(() => opened.close());

/** What a commit says that meets this, and whether our bytes lie there then. */
async function committed(options: FakeS3Options, how: S3Fault["how"] | null, bytes = BYTES) {
  opened = await openFakeS3(options);
  const upload = await new Uploading(opened, intentFor(KEY, bytes.length)).begin();
  const request = upload.commitRequest(bytes, await upload.putAll(bytes));
  if (how !== null) opened.fake.fail({ operation: "complete", times: 1, how });
  const result = await opened.store.commit(request);
  const lies = opened.fake.objects.get(`${BUCKET}/${KEY}`)?.bytes;
  expect(lies?.length).toBe(bytes.length);
  return { request, result, ours: sha256(lies ?? new Uint8Array()) === request.sha256 };
}

const REPLACED = { result: { kind: "taken", replaced: true }, ours: false };
const MADE = { result: { kind: "committed", key: KEY }, ours: true };

group("a server that counts ETags as Amazon does", () => {
  it("tells by them", async () => {
    expect(await committed({}, "replaced")).toMatchObject(REPLACED);
  });

  it.each([["lost"], [null]] as const)(
    "and one that has not been replaced is ours, its answer %s or not",
    async (how) => {
      const { request, result, ours } = await committed({ encryption: "AES256" }, how);
      expect({ result, ours }).toMatchObject(MADE);
      // A commit that is repeated knows of no answer either.
      expect(await opened.again().commit(request)).toEqual(result);
    },
  );

  it("tells by its parts, where no answer came and it says that it is Amazon's kind", async () => {
    expect(await committed({ encryption: "AES256" }, "replaced-lost")).toMatchObject(REPLACED);
  });

  it("cannot be told from others where no answer came: the metadata are believed", async () => {
    const { result, ours } = await committed({}, "replaced-lost");
    expect([result.kind, ours]).toEqual(["committed", false]);
  });
});

group("a server that encrypts by a key of its customer's, and draws its ETags", () => {
  const KMS: FakeS3Options = { etags: "drawn", encryption: "aws:kms" };

  it("tells by that of its answer", async () => {
    expect(await committed(KMS, "replaced")).toMatchObject(REPLACED);
  });

  it.each([["lost"], [null]] as const)(
    "and one that has not been replaced is ours, its answer %s or not",
    async (how) => {
      expect(await committed(KMS, how)).toMatchObject(MADE);
    },
  );
});

group("a server with words of its own", () => {
  it.each([
    ["odd", null],
    ["odd", "lost"],
    ["drawn", null],
    ["drawn", "lost"],
  ] as const)("(%s) is believed by the metadata, its answer %s or not", async (etags, how) => {
    expect(await committed({ etags }, how)).toMatchObject(MADE);
  });
});

it("an object in another number of parts is another one, on whatever server", async () => {
  opened = await openFakeS3();
  const upload = await new Uploading(opened, intentFor(KEY, BYTES.length)).begin();
  const request = upload.commitRequest(BYTES, await upload.putAll(BYTES));
  opened.fake.fail({ operation: "complete", times: 1, how: "lost" });
  expect(await opened.store.commit(request)).toMatchObject({ kind: "committed" });
  const lies = opened.fake.objects.get(`${BUCKET}/${KEY}`);
  if (lies !== undefined) lies.etag = lies.etag.replace('-2"', '-3"');
  expect(await opened.again().commit(request)).toEqual({ kind: "taken", replaced: true });
});
