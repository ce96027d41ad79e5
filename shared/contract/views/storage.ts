/** An account's storage (jobs API 9.2). Secrets are never answered. */
import { z } from "zod";
import { PROVIDERS } from "../storage.ts";
import { choice, flag, millis, orNull, text } from "./fields.ts";

const provider = choice(PROVIDERS, "Kind of storage");

export const StorageSet = z
  .object({
    message: text("For a human"),
    provider,
    container_or_bucket: text("Name of the bucket or container"),
    folder_prefix: text("As sent; only if it was").optional(),
  })
  .meta({
    id: "StorageSet",
    description: "New jobs deliver there.",
    examples: [
      {
        message: "S3 storage configured successfully",
        provider: "s3",
        container_or_bucket: "my-videos",
        folder_prefix: "downloads/2026",
      },
    ],
  });

export const StorageChanged = z.object({ message: text("For a human") }).meta({
  id: "StorageChanged",
  description: "The configuration was changed.",
  examples: [{ message: "S3 storage configuration removed" }],
});

export const AccountStorageView = z
  .object({
    configured: flag("Whether it is the account's storage"),
    provider,
    container_or_bucket: orNull(text("Name of the bucket or container")),
    endpoint: orNull(text("As sent; the service's URL for blob and gcs")),
    region: orNull(text("S3 only")),
    folder_prefix: orNull(text("As sent")),
    base_folder: orNull(text("Folder that holds all files")),
    access_key_masked: orNull(
      text("`****` and the last four characters of the access key, account key, SAS signature or private key id"),
    ),
    last_modified: orNull(millis("When it was set")),
    source: orNull(choice(["keyvault", "legacy"], "`legacy`: set by `POST /user/bucket`")),
  })
  .meta({
    id: "AccountStorage",
    description: "What is known of a storage, without its secrets.",
    examples: [
      {
        configured: true,
        provider: "s3",
        container_or_bucket: "my-videos",
        endpoint: "https://s3.us-east-1.amazonaws.com",
        region: "us-east-1",
        folder_prefix: "downloads/2026",
        base_folder: "videos",
        access_key_masked: "****ABCD",
        last_modified: 1796119200000,
        source: "keyvault",
      },
    ],
  });
