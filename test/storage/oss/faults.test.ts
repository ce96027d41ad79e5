import { ossStore } from "../../../edge/storage/oss/oss.ts";
import { testBucketFaults } from "../bucket-faults.ts";
import { BUCKET, KEY_ID, SECRET } from "./family.ts";
import { openOss } from "./open-oss.ts";

testBucketFaults("OSS", openOss, (server, network, { wrongSecret, bucket = BUCKET }) =>
  ossStore(
    {
      provider: "oss",
      endpoint: server.url,
      bucket,
      access_key_id: KEY_ID,
      access_key_secret: wrongSecret ? "other" : SECRET,
    },
    network,
  ),
);
