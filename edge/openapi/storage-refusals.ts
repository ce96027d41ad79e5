/** Texts about storage (jobs API 3.2, 9.2). Of a text that many fields share, one stands for all. */
import { PROVIDERS, type Provider } from "../../shared/contract/storage.ts";
import { type Refusal, refused } from "./describe.ts";

function at(prefix: string) {
  return (field: string, error: string): Refusal => ({ error, field: prefix + field });
}

function fieldRefusals(provider: Provider, prefix: string): Refusal[] {
  const one = at(prefix);
  const endpoint = `${prefix}endpoint`;
  const places = [
    one("folder_prefix", "folder_prefix too long (max 200 characters)"),
    one("folder_prefix", "folder_prefix must not start with / or \\"),
    one("base_folder", "base_folder must not contain .."),
    one("base_folder", "base_folder contains invalid characters"),
  ];
  const guarded = [
    one("endpoint", `${endpoint} is required`),
    one("endpoint", `${endpoint} must be a valid http or https URL`),
    one("endpoint", `${endpoint} must not point to a private address`),
  ];
  switch (provider) {
    case "s3":
      return [
        ...guarded,
        one("bucket", `${prefix}bucket must be a string`),
        one("bucket", "bucket is not a valid name"),
        one("access_key", "access_key contains invalid characters"),
        ...places,
      ];
    case "blob":
      return [
        one("account_name", `${prefix}account_name is required`),
        one("account_key", "Either account_key or sas_token must be provided"),
        one("account_key", "account_key must be base64"),
        ...places,
      ];
    case "gcs":
      return [
        one("project_id", `${prefix}project_id is required`),
        one("service_account_json", "service_account_json must be a service account key"),
        ...places,
      ];
    case "oss":
      return [...guarded, one("access_key_id", `${prefix}access_key_id is required`), ...places];
  }
}

/** Bad fields of `POST /user/…`. */
export function storageRefusals(provider: Provider): Refusal[] {
  const organization: Refusal = {
    error: "apply_to_all_keys requires an organization key",
    field: "apply_to_all_keys",
  };
  return [...fieldRefusals(provider, ""), ...(provider === "blob" ? [organization] : [])];
}

/** Of `POST /jobs` and of retries. */
export const INLINE_STORAGE_REFUSALS = [
  refused(
    400,
    "A bad field of `storage`.",
    { error: "storage must be an object", field: "storage" },
    { error: `storage.provider must be one of: ${PROVIDERS.join(", ")}`, field: "storage.provider" },
    ...PROVIDERS.filter((provider) => provider !== "oss").flatMap((provider) =>
      fieldRefusals(provider, "storage.").slice(0, 3),
    ),
  ),
  refused(
    400,
    "The storage was probed and did not do: the provider's code, `timeout` or `unreachable`.",
    { error: "Credential validation failed: AccessDenied", field: "storage" },
    { error: "Credential validation failed: NoSuchBucket", field: "storage" },
    { error: "Credential validation failed: timeout", field: "storage" },
  ),
];
