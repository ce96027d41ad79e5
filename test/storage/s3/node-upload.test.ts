/** The node's half and the edge's half together: a file of several parts goes straight from disk into a bucket. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { guardedDispatcher } from "../../../worker-node/egress/dispatcher.ts";
import { type EgressOptions, resolveEgress } from "../../../worker-node/egress/policy.ts";
import { testDir } from "../../leaks.ts";
import { sendFile } from "../send-file.ts";
import { readAll, sampleBytes, sha256 } from "../uploading.ts";
import { openFakeS3, type S3UnderTest } from "./harness.ts";

const KEY = "videos/A talk – 100% (1).mp4";
const MIB = 1_048_576;

let opened: S3UnderTest;
let dispatcher: ReturnType<typeof guardedDispatcher>;
beforeEach(async () => {
  opened = await openFakeS3();
});
afterEach(async () => {
  await dispatcher.destroy();
  await opened.close();
});

/** Through the guard, as for every ticket of storage that a client named. */
async function upload(bytes: Uint8Array, guard: EgressOptions) {
  const path = join(await testDir("upload"), "output.mp4");
  await writeFile(path, bytes);
  dispatcher = guardedDispatcher(resolveEgress(guard));
  const sent = await sendFile(opened, { path, size: bytes.length }, KEY, { dispatcher });
  return sent.commit();
}

describe("an upload into a bucket", () => {
  it("arrives whole, in parts of 8 MiB, with the ETags that the bucket gave", async () => {
    const bytes = sampleBytes(25 * MIB + 5);
    const result = await upload(bytes, { allowPrivate: true });
    expect(result).toMatchObject({ kind: "committed", key: KEY, size: bytes.length });
    expect(opened.fake.calls.filter((each) => each.operation === "part")).toHaveLength(4);
    expect(sha256((await readAll(opened.store, KEY)) ?? new Uint8Array())).toBe(sha256(bytes));
  });

  it("is not made to an address that the guard refuses", async () => {
    const failed = upload(sampleBytes(10), { allowPrivate: false }).catch((error: unknown) => error);
    expect(await failed).toMatchObject({ class: "storage", message: "Upload failed: unreachable", permanent: false });
    expect(opened.fake.calls.map((each) => each.operation)).toEqual(["begin"]);
  });

  it("that is refused for good says so: no other node can help", async () => {
    opened.fake.fail({ operation: "part", times: 6, how: { status: 400, code: "ExpiredToken" } });
    const failed = upload(sampleBytes(10), { allowPrivate: true }).catch((error: unknown) => error);
    expect(await failed).toMatchObject({ class: "storage", message: "Upload failed: ExpiredToken", permanent: true });
  });
});
