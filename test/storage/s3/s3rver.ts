/**
 * s3rver, an older server of S3 by other people, in a process of its own. It checks signatures (SigV4, presigned too), and
 * lets parts be of any size; what it lacks is said in docs/decisions/027.
 */
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { s3Store } from "../../../edge/storage/s3/s3.ts";
import type { StorageOf } from "../../../shared/contract/storage.ts";
import type { StoreUnderTest } from "../object-store.conformance.ts";
import { network } from "../peers/open-bucket.ts";
import { startServer } from "../peers/server-process.ts";

const ARGS = ["--directory", "objects", "--address", "127.0.0.1", "--port", "0", "--no-vhost-buckets", "--silent"];
/** The one account that it knows. */
const KEYS = { access_key: "S3RVER", secret_key: "S3RVER" };

export interface S3rver {
  /** On a bucket that nobody has used. */
  open(): Promise<StoreUnderTest>;
  stop(): Promise<void>;
}

export async function startS3rver(): Promise<S3rver> {
  const server = await startServer("s3rver", ARGS, /listening on (\S+)/);
  const endpoint = `http://${server.address}`;
  const credentials = { accessKeyId: KEYS.access_key, secretAccessKey: KEYS.secret_key };
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  let buckets = 0;
  return {
    async open() {
      const bucket = `my-videos-${++buckets}`;
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      const config: StorageOf<"s3"> = { provider: "s3", endpoint, bucket, region: "us-east-1", ...KEYS };
      return {
        store: s3Store(config, network()),
        origin: "https://edge.test",
        async putForeign(key, bytes) {
          await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
        },
        countUploads: async () => null,
        close: async () => {},
      };
    },
    async stop() {
      client.destroy();
      await server.close();
    },
  };
}
