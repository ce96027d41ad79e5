import { StorageChanged } from "../../../shared/contract/views/storage.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { dropStorage } from "./save-storage.ts";

/** `DELETE /user/bucket` (jobs API 9.2): removes an S3 configuration only, and never finds it missing. */
export const removeBucket: Endpoint = {
  operationId: "remove-bucket",
  method: "DELETE",
  path: "/user/bucket",
  summary: "Deliver to an S3 bucket no more (older name)",
  scope: "storage:write",
  describe: {
    tag: "Storage",
    details: "As `DELETE /user/s3`, which new clients use; 200 also when there is nothing to remove.",
    answers: [answer(200, "There is no S3 configuration any more.", StorageChanged)],
  },
  async handler(context) {
    await dropStorage(context, "s3");
    return context.json({ message: "Bucket configuration reset to default" });
  },
};
