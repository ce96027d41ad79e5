import { generateKeyPairSync } from "node:crypto";
import { gcsStore } from "../../../edge/storage/gcs/gcs.ts";
import { testBucketFaults } from "../bucket-faults.ts";
import { BUCKET, SERVICE_ACCOUNT } from "./family.ts";
import { openGcs } from "./open-gcs.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const OTHER_KEY = JSON.stringify({
  ...JSON.parse(SERVICE_ACCOUNT),
  private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
});

testBucketFaults("Google Cloud Storage", openGcs, (server, network, { wrongSecret, bucket = BUCKET }) => {
  const service_account_json = wrongSecret ? OTHER_KEY : SERVICE_ACCOUNT;
  return gcsStore({ provider: "gcs", project_id: "studio-north", bucket, service_account_json }, network, server.url);
});
