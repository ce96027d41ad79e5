import { expect, it } from "vitest";
import { adviceFor } from "../../../edge/storage/advice.ts";
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

it("OSS names another endpoint beside AccessDenied: the advice is about that, not about rights", async () => {
  const opened = await openOss();
  const fault = { status: 403, code: "AccessDenied", endpoint: "oss-cn-shanghai.aliyuncs.com" };
  opened.server.fail(({ method }) => method === "PUT", fault);
  const result = await opened.store.verify({ key: "probe.txt", signal: AbortSignal.timeout(10_000) });
  await opened.close();
  expect(result).toMatchObject({ ok: false, code: "AccessDenied" });
  expect(adviceFor({ provider: "oss" }, "AccessDenied", result.ok ? undefined : result.told)).toEqual({
    field: "endpoint",
    message: expect.stringMatching(/\(endpoint oss-cn-shanghai\.aliyuncs\.com\)$/),
  });
});
