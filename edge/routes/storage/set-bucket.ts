import { SetS3Body } from "../../../shared/contract/storage.ts";
import { StorageChanged } from "../../../shared/contract/views/storage.ts";
import { AppError } from "../../app-error.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { storageRefusals } from "../../openapi/storage-refusals.ts";
import type { Endpoint } from "../endpoint.ts";
import { probe } from "./probe.ts";
import { saveStorage } from "./save-storage.ts";
import { readStorage } from "./set-storage.ts";

/** The older spelling of one code. */
const OLDER: Record<string, string> = { AccessDenied: "Access Denied" };

/** `POST /user/bucket` (jobs API 9.2): the older name of `POST /user/s3`, with its older texts. */
export const setBucket: Endpoint = {
  operationId: "set-bucket",
  method: "POST",
  path: "/user/bucket",
  summary: "Deliver to an S3 bucket (older name)",
  scope: "storage:write",
  describe: {
    tag: "Storage",
    details: "As `POST /user/s3`, which new clients use.",
    body: { schema: SetS3Body, required: true },
    answers: [
      answer(200, "Configured.", StorageChanged),
      refused(400, "A bad field.", ...storageRefusals("s3")),
      refused(
        400,
        "The probe failed.",
        "Verification failed: Access Denied",
        "Verification failed: NoSuchBucket",
        "Verification failed: timeout",
      ),
      refused(503, "The secret store is down.", "Configuration could not be saved"),
    ],
  },
  async handler(context) {
    const { storage } = await readStorage(context, "s3");
    const failed = await probe(context.env, storage);
    if (failed !== null) throw new AppError("invalid", `Verification failed: ${OLDER[failed.code] ?? failed.code}`);
    await saveStorage(context, storage, "legacy");
    return context.json({ message: "Bucket configuration updated successfully" });
  },
};
