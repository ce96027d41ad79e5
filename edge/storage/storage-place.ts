/** What may be told of a storage configuration: where it is, and the last characters of its key (jobs API 9.2). */
import { DEFAULT_BASE_FOLDER, type Provider, type Storage, serviceAccountOf } from "../../shared/contract/storage.ts";

/** A target without its secrets: the columns of its row. */
export interface StoragePlace {
  provider: Provider;
  /** As the client wrote it; the service's URL for blob and gcs. */
  endpoint: string;
  /** Or the container. */
  bucket: string;
  region: string | null;
  folder_prefix: string | null;
  base_folder: string;
}

export function placeOf(storage: Storage): StoragePlace {
  const { provider, folder_prefix, base_folder } = storage;
  const folders = {
    // Blank is none.
    folder_prefix: folder_prefix?.trim() ? folder_prefix : null,
    base_folder: base_folder?.trim() ? base_folder : DEFAULT_BASE_FOLDER,
  };
  switch (provider) {
    case "s3":
      return { provider, endpoint: storage.endpoint, bucket: storage.bucket, region: storage.region, ...folders };
    case "blob": {
      const endpoint = `https://${storage.account_name}.blob.core.windows.net`;
      return { provider, endpoint, bucket: storage.container, region: null, ...folders };
    }
    case "gcs":
      return { provider, endpoint: "https://storage.googleapis.com", bucket: storage.bucket, region: null, ...folders };
    case "oss":
      return { provider, endpoint: storage.endpoint, bucket: storage.bucket, region: null, ...folders };
  }
}

/** Whether two configurations name the same store: what was written by the one is reached by the other (jobs API 11.2). */
export function isSameStore(
  one: Pick<StoragePlace, "provider" | "endpoint" | "bucket">,
  other: Pick<StoragePlace, "provider" | "endpoint" | "bucket">,
): boolean {
  return (
    one.provider === other.provider &&
    one.bucket === other.bucket &&
    plainUrl(one.endpoint) === plainUrl(other.endpoint)
  );
}

/** Host in lower case, no default port, no final slash. */
function plainUrl(text: string): string {
  return (URL.parse(text)?.href ?? text).replace(/\/+$/, "");
}

/** `<folder_prefix><base_folder>`, without a final slash: what every key begins with (jobs API 11.1). */
export function rootFolder(place: Pick<StoragePlace, "folder_prefix" | "base_folder">): string {
  return prefixed(place, place.base_folder.replace(/\/+$/, ""));
}

/** A key below `folder_prefix` alone. */
export function prefixed({ folder_prefix }: Pick<StoragePlace, "folder_prefix">, key: string): string {
  const prefix = (folder_prefix ?? "").replace(/\/+$/, "");
  return prefix === "" ? key : `${prefix}/${key}`;
}

/** `****ABCD`: the last four characters of the access key, account key, SAS signature or private key id. */
export function maskedKey(storage: Storage): string {
  return `****${keyOf(storage).slice(-4)}`;
}

function keyOf(storage: Storage): string {
  switch (storage.provider) {
    case "s3":
      return storage.access_key;
    case "blob":
      return storage.account_key ?? new URLSearchParams(storage.sas_token).get("sig") ?? "";
    case "gcs":
      return serviceAccountOf(storage.service_account_json)?.private_key_id ?? "";
    case "oss":
      return storage.access_key_id;
  }
}
