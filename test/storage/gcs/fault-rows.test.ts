import { bucketRows, testFaultRows } from "../fault-rows.ts";
import { faulty } from "../peers/open-bucket.ts";
import { openGcs } from "./open-gcs.ts";

// One host serves all regions: what else could be wrong is the bucket's name.
const rows = bucketRows({ secret: "service_account_json", region: "bucket", endpoint: "bucket" });
testFaultRows("gcs", async () => faulty(await openGcs()), rows);
