/**
 * s3rver, an older server of S3 by other people, in a process of its own. It checks signatures (SigV4, presigned too), and
 * lets parts be of any size; what it lacks is said in docs/decisions/027.
 */
import { CreateBucketCommand } from "@aws-sdk/client-s3";
import { startServer } from "../peers/server-process.ts";
import type { StoreUnderTest } from "../uploading.ts";
import { OtherS3 } from "./other-server.ts";

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
  const s3 = new OtherS3(`http://${server.address}`, "us-east-1", KEYS);
  let buckets = 0;
  return {
    async open() {
      const bucket = `my-videos-${++buckets}`;
      await s3.client.send(new CreateBucketCommand({ Bucket: bucket }));
      return s3.open(bucket);
    },
    async stop() {
      s3.client.destroy();
      await server.close();
    },
  };
}
