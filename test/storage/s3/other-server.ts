/** A server of S3 that none of us has written: our store on one of its buckets, beside another client than ours. */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { s3Store } from "../../../edge/storage/s3/s3.ts";
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { network } from "../peers/open-bucket.ts";
import type { StoreUnderTest } from "../uploading.ts";

export interface OtherS3UnderTest extends StoreUnderTest {
  config: StorageOf<"s3">;
  client: S3Client;
}

export class OtherS3 {
  readonly client: S3Client;
  readonly #config: Omit<StorageOf<"s3">, "bucket">;

  constructor(endpoint: string, region: string, keys: { access_key: string; secret_key: string }) {
    this.#config = { provider: "s3", endpoint, region, ...keys };
    const credentials = { accessKeyId: keys.access_key, secretAccessKey: keys.secret_key };
    this.client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  }

  open(bucket: string): OtherS3UnderTest {
    const { client } = this;
    const config = { ...this.#config, bucket };
    return {
      config,
      client,
      store: s3Store(config, network()),
      origin: "https://edge.test",
      async putForeign(key, bytes) {
        await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
      },
      countUploads: async () => null,
      close: async () => {},
    };
  }
}
