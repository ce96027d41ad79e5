import { testAbandonedUploads } from "../abandoned-uploads.ts";
import { listing } from "../peers/open-bucket.ts";
import { openOss } from "./open-oss.ts";

testAbandonedUploads("OSS", async () => listing(await openOss()));
