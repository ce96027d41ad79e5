import { bucketRows, type FaultRow, testFaultRows } from "../fault-rows.ts";
import type { Operation } from "./control.ts";
import { openFakeS3 } from "./harness.ts";

const rows: FaultRow[] = [
  ...bucketRows({ secret: "secret_key", region: "region", endpoint: "endpoint" }),
  {
    what: "a region that the signature names wrongly",
    status: 400,
    code: "AuthorizationHeaderMalformed",
    meaning: "for good",
    about: "region",
  },
];
const WRITES: Operation[] = ["put", "complete"];

testFaultRows(
  "s3",
  async () => {
    const opened = await openFakeS3();
    return { ...opened, refuseNext: (how) => opened.fake.failNext(WRITES, how) };
  },
  rows,
);
