import { afterAll, beforeAll, expect, it } from "vitest";
import { testAbandonedUploads } from "../abandoned-uploads.ts";
import { BUCKET, openFakeS3 } from "./harness.ts";
import { type LocalR2, startR2 } from "./r2.ts";

testAbandonedUploads("S3", async () => {
  const opened = await openFakeS3();
  const { fake } = opened;
  return {
    ...opened,
    openKeys: () => fake.uploadsOf(BUCKET),
    age: (byMs) => fake.age(BUCKET, byMs),
    loseBegin: () => fake.fail({ operation: "begin", times: 1, how: "lost" }),
    beginForeign(keys) {
      for (const key of keys) {
        const upload = { bucket: BUCKET, key, began: Date.now(), type: "", meta: {}, parts: new Map() };
        fake.uploads.set(`foreign-${fake.uploads.size}`, upload);
      }
    },
  };
});

it("a key that may not list is refused for good, and nothing was touched", async () => {
  const opened = await openFakeS3();
  try {
    opened.fake.fail({ operation: "list", times: 1, how: { status: 403, code: "AccessDenied" } });
    const search = opened.store.endAbandoned?.({ prefix: "", before: Date.now(), isOurs: () => true });
    await expect(search).rejects.toMatchObject({ code: "AccessDenied", fault: "permanent" });
  } finally {
    await opened.close();
  }
});

let r2: LocalR2;
beforeAll(async () => {
  r2 = await startR2(1);
});
afterAll(() => r2.stop());

it("a server that lists no uploads says so, and that is no passing fault", async () => {
  const { store } = r2.open();
  const search = store.endAbandoned?.({ prefix: "videos/", before: Date.now(), isOurs: () => true });
  await expect(search).rejects.toMatchObject({ fault: "refused" });
});
