import { gcsStore } from "../../../edge/storage/gcs/gcs.ts";
import { type BucketUnderTest, openBucket } from "../peers/open-bucket.ts";
import { BUCKET, gcsFamily, SERVICE_ACCOUNT } from "./family.ts";

export function openGcs(): Promise<BucketUnderTest> {
  const account = { project_id: "studio-north", service_account_json: SERVICE_ACCOUNT };
  return openBucket(gcsFamily, BUCKET, (url, network) =>
    gcsStore({ provider: "gcs", bucket: BUCKET, ...account }, network, url),
  );
}
