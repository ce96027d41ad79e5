/** The S3 adapter before a server of S3. */
import { s3Store } from "../../../edge/storage/s3/s3.ts";
import type { StorageOf } from "../../../shared/contract/storage.ts";
import type { StoreUnderTest } from "../uploading.ts";
import { FakeS3, type FakeS3Options, secretOf } from "./fake-s3.ts";
import { serveS3 } from "./serve.ts";

export const BUCKET = "b-videos";
export const ACCESS_KEY = "AK0123456789ABCD";

export interface S3UnderTest extends StoreUnderTest {
  fake: FakeS3;
  config: StorageOf<"s3">;
  /** Another adapter on the same bucket, as another isolate would open it. */
  again(changes?: Partial<StorageOf<"s3">>, now?: () => number): StoreUnderTest["store"];
}

const network = { fetch: (url: string, init: RequestInit) => fetch(url, init), accepts: () => true };

export async function openFakeS3(options: FakeS3Options = {}): Promise<S3UnderTest> {
  const fake = new FakeS3(options);
  const served = await serveS3(fake);
  const config: StorageOf<"s3"> = {
    provider: "s3",
    endpoint: served.url,
    bucket: BUCKET,
    region: "us-east-1",
    access_key: ACCESS_KEY,
    secret_key: secretOf(ACCESS_KEY),
  };
  const again: S3UnderTest["again"] = (changes = {}, now = Date.now) =>
    s3Store({ ...config, ...changes }, { ...network, now });
  return {
    fake,
    config,
    store: again(),
    again,
    origin: "https://edge.test",
    putForeign: async (key, bytes) => fake.putForeign(BUCKET, key, bytes),
    countUploads: async () => fake.uploads.size,
    close: () => served.close(),
  };
}
