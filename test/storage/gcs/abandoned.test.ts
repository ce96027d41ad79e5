import { testAbandonedUploads } from "../abandoned-uploads.ts";
import { listing } from "../peers/open-bucket.ts";
import { openGcs } from "./open-gcs.ts";

testAbandonedUploads("Google Cloud Storage", async () => listing(await openGcs()));
