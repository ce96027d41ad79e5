import type { z } from "zod";
import {
  type Provider,
  SetBlobBody,
  SetGcsBody,
  SetOssBody,
  SetS3Body,
  STORAGE_NAMES,
  Storage,
} from "../../../shared/contract/storage.ts";
import { StorageSet } from "../../../shared/contract/views/storage.ts";
import { answer, refused } from "../../openapi/describe.ts";
import { storageRefusals } from "../../openapi/storage-refusals.ts";
import { placeOf } from "../../storage/storage-place.ts";
import type { Endpoint } from "../endpoint.ts";
import { type AppContext, readJsonObject } from "../http.ts";
import { parseFields } from "../jobs/job-fields.ts";
import { probe, probeRefused } from "./probe.ts";
import { saveStorage } from "./save-storage.ts";
import { endpointProblem } from "./storage-fields.ts";

const BODIES = { s3: SetS3Body, blob: SetBlobBody, gcs: SetGcsBody, oss: SetOssBody } as const;

const CONFIGURED: Record<Provider, string> = {
  s3: "S3 storage configured successfully",
  blob: "Azure Blob storage configured successfully",
  gcs: "Google Cloud Storage configured successfully",
  oss: "Alibaba OSS storage configured successfully",
};

/** `POST /user/{s3,blob,gcs,oss}` (jobs API 9.2). One storage is active per account; another one replaces it. */
export function setStorage(provider: Provider): Endpoint {
  return {
    operationId: `set-${provider}-storage`,
    method: "POST",
    path: `/user/${provider}`,
    summary: `Deliver to ${STORAGE_NAMES[provider]} of your own`,
    scope: "storage:write",
    describe: {
      tag: "Storage",
      details:
        "Probed before it is saved: `verify_credentials.txt` is written and removed, within 15 seconds. It replaces " +
        "whatever storage was configured; objects that exist stay where they are.",
      body: { schema: BODIES[provider], required: true },
      answers: [
        answer(200, "Configured.", StorageSet),
        refused(400, "A bad field.", ...storageRefusals(provider)),
        refused(
          400,
          "The probe failed: the provider's code, `timeout` or `unreachable`.",
          "Credential validation failed: AccessDenied",
          "Credential validation failed: NoSuchBucket",
          "Credential validation failed: timeout",
        ),
        refused(503, "The secret store is down.", "Configuration could not be saved"),
      ],
    },
    async handler(context) {
      const { storage, folderPrefix } = await readStorage(context, provider);
      const failed = await probe(context.env, storage);
      if (failed !== null) throw probeRefused(storage, failed);
      await saveStorage(context, storage, "keyvault");
      return context.json({
        message: CONFIGURED[provider],
        provider,
        container_or_bucket: placeOf(storage).bucket,
        ...(folderPrefix === undefined ? {} : { folder_prefix: folderPrefix }),
      });
    },
  };
}

/** The body as a storage of this provider; bad fields are refused. */
export async function readStorage(
  context: AppContext,
  provider: Provider,
): Promise<{ storage: Storage; folderPrefix: string | undefined }> {
  const raw = await readJsonObject(context.req.raw);
  const schema: z.ZodType<{ folder_prefix?: string | undefined }> = BODIES[provider];
  const extra = provider === "s3" || provider === "oss" ? endpointProblem(raw.endpoint, context.env) : [];
  const body = parseFields(schema, raw, Object.keys(BODIES[provider].shape), extra);
  return { storage: Storage.parse({ ...body, provider }), folderPrefix: body.folder_prefix };
}
