import { bucketRows, testFaultRows } from "../fault-rows.ts";
import { faulty } from "../peers/open-bucket.ts";
import { openOss } from "./open-oss.ts";

const rows = [
  ...bucketRows({ secret: "access_key_secret", region: "endpoint", endpoint: "endpoint" }),
  {
    what: "a token that ran out",
    status: 403,
    code: "SecurityTokenExpired",
    meaning: "for good" as const,
    about: "access_key_secret",
  },
];
testFaultRows("oss", async () => faulty(await openOss()), rows);
