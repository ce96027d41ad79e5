import { type Provider, STORAGE_NAMES } from "../../../shared/contract/storage.ts";
import { AccountStorageView } from "../../../shared/contract/views/storage.ts";
import { type AccountStorage, readAccountStorage } from "../../db/targets.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";

/** `GET /user/{s3,blob,gcs,oss}` (jobs API 9.2). Secrets are not told, only the end of the key. */
export function getStorage(provider: Provider): Endpoint {
  return {
    operationId: `get-${provider}-storage`,
    method: "GET",
    path: `/user/${provider}`,
    summary: `Read the configuration of ${STORAGE_NAMES[provider]}`,
    scope: "storage:write",
    describe: {
      tag: "Storage",
      details: "Not the account's storage: `configured` is false, and everything but `provider` null.",
      answers: [answer(200, "What is known of it.", AccountStorageView)],
    },
    async handler(context) {
      const active = await readAccountStorage(context.env.DB, context.var.caller.account.id);
      return context.json(storageView(provider, active?.provider === provider ? active : null));
    },
  };
}

function storageView(provider: Provider, active: AccountStorage | null) {
  return {
    configured: active !== null,
    provider,
    container_or_bucket: active?.bucket ?? null,
    endpoint: active?.endpoint ?? null,
    region: active?.region ?? null,
    folder_prefix: active?.folder_prefix ?? null,
    base_folder: active?.base_folder ?? null,
    access_key_masked: active?.masked ?? null,
    last_modified: active?.updated_at ?? null,
    source: active?.source ?? null,
  };
}
