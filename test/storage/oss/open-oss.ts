import { ossStore } from "../../../edge/storage/oss/oss.ts";
import { type BucketUnderTest, openBucket } from "../peers/open-bucket.ts";
import { BUCKET, KEY_ID, ossFamily, SECRET } from "./family.ts";

export function openOss(): Promise<BucketUnderTest> {
  const keys = { access_key_id: KEY_ID, access_key_secret: SECRET };
  return openBucket(ossFamily, BUCKET, (endpoint, network) =>
    ossStore({ provider: "oss", endpoint, bucket: BUCKET, ...keys }, network),
  );
}
