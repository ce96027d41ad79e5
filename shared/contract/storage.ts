/**
 * Where an account wants its files (jobs API 9.2): one object per provider, told inline with a job or kept for the account.
 * What is in here is secret in part: it is sealed wherever it is stored, and never answered.
 */
import { z } from "zod";

/** In the order in which error texts name them. */
export const PROVIDERS = ["s3", "blob", "gcs", "oss"] as const;
export type Provider = (typeof PROVIDERS)[number];

/** As texts name them. */
export const STORAGE_NAMES: Record<Provider, string> = {
  s3: "S3 storage",
  blob: "Azure Blob storage",
  gcs: "Google Cloud Storage",
  oss: "Alibaba OSS storage",
};

export const DEFAULT_BASE_FOLDER = "videos";

const MAX_SECRET_LENGTH = 1_024;
const MAX_SAS_LENGTH = 2_048;
const MAX_PATH_LENGTH = 200;
/** A key of Google's is about 2,400 characters; base64 makes a third more of it. */
const MAX_SERVICE_ACCOUNT_LENGTH = 16_384;

/** Our own rule where the API names none: what S3, Azure, GCS and OSS allow together, old bucket names included. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]$/;
const PRINTABLE = /^[\x21-\x7e]+$/;
const BASE64 = /^(?=.)(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

// biome-ignore lint/suspicious/noControlCharactersInRegex: what no key of an object should hold
const CONTROL = /[\u0000-\u001f\u007f]/;

const text = (field: string) =>
  z.string().refine((value) => value !== "", { error: `${field} is required`, abort: true });

/** What ends up in a header, or as part of a host name. */
const word = (field: string, max: number) =>
  text(field).refine((value) => value.length <= max && PRINTABLE.test(value), {
    error: `${field} contains invalid characters`,
  });

const bucket = (field: string) =>
  text(field).refine((value) => BUCKET.test(value) && !value.includes(".."), { error: `${field} is not a valid name` });

/** A path inside the bucket. `.` and `..` would be resolved by every URL parser on the way, so they are no names. */
function path(field: string) {
  return z
    .string()
    .refine((value) => value.length <= MAX_PATH_LENGTH, {
      error: `${field} too long (max ${MAX_PATH_LENGTH} characters)`,
      abort: true,
    })
    .refine((value) => !/^[/\\]/.test(value), { error: `${field} must not start with / or \\`, abort: true })
    .refine((value) => !value.split(/[/\\]/).some((segment) => segment === ".." || segment === "."), {
      error: `${field} must not contain ..`,
      abort: true,
    })
    .refine((value) => value.isWellFormed() && !CONTROL.test(value), { error: `${field} contains invalid characters` });
}

const places = {
  folder_prefix: path("folder_prefix")
    .optional()
    .describe("Put before every key; a final `/` is added. Defaults to none"),
  base_folder: path("base_folder")
    .optional()
    .describe(`Folder that holds all files. Defaults to \`${DEFAULT_BASE_FOLDER}\``),
};

// Its form is the URL guard's business, which also knows what the operator allows.
const endpoint = (what: string) => z.string().describe(`${what}: http or https`);

const S3_FIELDS = {
  endpoint: endpoint("Base URL of the S3 API"),
  bucket: bucket("bucket").describe("Name of the bucket"),
  region: word("region", 64).describe("Region that requests are signed for; `auto` for R2"),
  access_key: word("access_key", MAX_SECRET_LENGTH).describe("Access key id"),
  secret_key: word("secret_key", MAX_SECRET_LENGTH).describe("Secret access key. Never answered"),
  ...places,
};

const BLOB_FIELDS = {
  account_name: text("account_name")
    .refine((value) => /^[a-z0-9]{3,24}$/.test(value), { error: "account_name is not a valid name" })
    .describe("Name of the storage account"),
  container: bucket("container").describe("Name of the container"),
  account_key: z
    .string()
    .refine((value) => value.length <= MAX_SECRET_LENGTH && BASE64.test(value), {
      error: "account_key must be base64",
    })
    .optional()
    .describe("Key of the account, base64. Either this or `sas_token`. Never answered"),
  sas_token: word("sas_token", MAX_SAS_LENGTH)
    .optional()
    .describe("Shared access signature of the container. Either this or `account_key`. Never answered"),
  ...places,
};

const GCS_FIELDS = {
  project_id: word("project_id", 100).describe("Id of the project"),
  bucket: bucket("bucket").describe("Name of the bucket"),
  service_account_json: z
    .string()
    .refine((value) => value.length <= MAX_SERVICE_ACCOUNT_LENGTH && serviceAccountOf(value) !== null, {
      error: "service_account_json must be a service account key",
    })
    .describe("Key of a service account: its JSON as text, or base64 of it. Never answered"),
  ...places,
};

const OSS_FIELDS = {
  endpoint: endpoint("Base URL of the region's OSS API"),
  bucket: bucket("bucket").describe("Name of the bucket"),
  access_key_id: word("access_key_id", MAX_SECRET_LENGTH).describe("Access key id"),
  access_key_secret: word("access_key_secret", MAX_SECRET_LENGTH).describe("Access key secret. Never answered"),
  ...places,
};

const ServiceAccount = z.object({
  client_email: z.string().min(1),
  private_key: z.string().includes("PRIVATE KEY"),
  private_key_id: z.string().optional(),
});
export type ServiceAccount = z.infer<typeof ServiceAccount>;

/** The key inside `service_account_json`, which may be JSON or base64 of it; null: it is neither. */
export function serviceAccountOf(value: string): ServiceAccount | null {
  try {
    const json = value.trimStart().startsWith("{") ? value : atob(value.replace(/\s+/g, ""));
    return ServiceAccount.parse(JSON.parse(json));
  } catch {
    return null;
  }
}

const ONE_SECRET = "Either account_key or sas_token must be provided";

/** Told beside other bad fields too. */
const oneSecretRule = {
  error: ONE_SECRET,
  path: ["account_key"],
  when: () => true,
};
function hasOneSecret(blob: { account_key?: unknown; sas_token?: unknown }): boolean {
  return (blob.account_key === undefined) !== (blob.sas_token === undefined);
}

// Examples are made up.
const EXAMPLE_PLACE = { folder_prefix: "downloads/2026" };
const EXAMPLES = {
  s3: {
    endpoint: "https://s3.us-east-1.amazonaws.com",
    bucket: "my-videos",
    region: "us-east-1",
    access_key: "AK",
    secret_key: "SK",
    ...EXAMPLE_PLACE,
  },
  blob: { account_name: "studionorth", container: "my-videos", account_key: "c2VjcmV0", ...EXAMPLE_PLACE },
  gcs: {
    project_id: "studio-north",
    bucket: "my-videos",
    service_account_json:
      '{"client_email":"trawl@studio-north.iam.gserviceaccount.com","private_key_id":"k1","private_key":"-----BEGIN PRIVATE KEY-----\\nAA==\\n-----END PRIVATE KEY-----\\n"}',
    ...EXAMPLE_PLACE,
  },
  oss: {
    endpoint: "https://oss-cn-hangzhou.aliyuncs.com",
    bucket: "my-videos",
    access_key_id: "AK",
    access_key_secret: "SK",
    ...EXAMPLE_PLACE,
  },
} as const;

/** Bodies of `POST /user/…`. */
export const SetS3Body = z
  .object(S3_FIELDS)
  .meta({ id: "SetS3Storage", description: "A bucket of S3, or of what speaks like it.", examples: [EXAMPLES.s3] });
export const SetBlobBody = z
  .object({
    ...BLOB_FIELDS,
    apply_to_all_keys: z
      .boolean()
      .refine((value) => !value, { error: "apply_to_all_keys requires an organization key" })
      .optional()
      .describe("There are no organisations: only false. Defaults to false"),
  })
  .refine(hasOneSecret, oneSecretRule)
  .meta({ id: "SetBlobStorage", description: "A container of Azure Blob Storage.", examples: [EXAMPLES.blob] });
export const SetGcsBody = z
  .object(GCS_FIELDS)
  .meta({ id: "SetGcsStorage", description: "A bucket of Google Cloud Storage.", examples: [EXAMPLES.gcs] });
export const SetOssBody = z
  .object(OSS_FIELDS)
  .meta({ id: "SetOssStorage", description: "A bucket of Alibaba OSS.", examples: [EXAMPLES.oss] });

const S3Storage = z.object({ provider: z.literal("s3").describe("S3, or what speaks like it"), ...S3_FIELDS });
const BlobStorage = z
  .object({ provider: z.literal("blob").describe("Azure Blob Storage"), ...BLOB_FIELDS })
  .refine(hasOneSecret, oneSecretRule);
const GcsStorage = z.object({ provider: z.literal("gcs").describe("Google Cloud Storage"), ...GCS_FIELDS });
const OssStorage = z.object({ provider: z.literal("oss").describe("Alibaba OSS"), ...OSS_FIELDS });

/** `storage` of `POST /jobs`, and what an account's configuration is kept as. */
export const Storage = z
  .discriminatedUnion("provider", [S3Storage, BlobStorage, GcsStorage, OssStorage], {
    error: ({ input }) => {
      if (typeof input !== "object" || input === null || Array.isArray(input)) return undefined;
      const { provider } = input as { provider?: unknown };
      if (provider === undefined) return "storage.provider is required";
      return typeof provider === "string"
        ? `storage.provider must be one of: ${PROVIDERS.join(", ")}`
        : "storage.provider must be a string";
    },
  })
  .meta({
    id: "Storage",
    description: "Storage of your own, for this request alone: a provider, a place and the credentials to write there.",
    examples: [{ provider: "s3", ...EXAMPLES.s3 }],
  });
export type Storage = z.infer<typeof Storage>;
export type StorageOf<Name extends Provider> = Extract<Storage, { provider: Name }>;
