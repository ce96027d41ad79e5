import { type Provider, STORAGE_NAMES } from "../../../shared/contract/storage.ts";
import { StorageChanged } from "../../../shared/contract/views/storage.ts";
import { AppError } from "../../app-error.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { dropStorage } from "./save-storage.ts";

const REMOVED: Record<Provider, string> = {
  s3: "S3 storage configuration removed",
  blob: "Azure Blob storage configuration removed",
  gcs: "Google Cloud storage configuration removed",
  oss: "Alibaba OSS storage configuration removed",
};

/** `DELETE /user/{s3,blob,gcs,oss}` (jobs API 9.2): managed storage from now on; jobs that were accepted keep their target. */
export function removeStorage(provider: Provider): Endpoint {
  const missing = `${STORAGE_NAMES[provider]} is not configured`;
  return {
    operationId: `remove-${provider}-storage`,
    method: "DELETE",
    path: `/user/${provider}`,
    summary: `Deliver to ${STORAGE_NAMES[provider]} no more`,
    scope: "storage:write",
    describe: {
      tag: "Storage",
      details: "New jobs go to the server's own storage. Files that lie in yours stay, and have no URL here any more.",
      answers: [answer(200, "Removed.", StorageChanged), refused(404, "It is not the account's storage.", missing)],
    },
    async handler(context) {
      if (!(await dropStorage(context, provider))) throw new AppError("not_found", missing);
      return context.json({ message: REMOVED[provider] });
    },
  };
}
