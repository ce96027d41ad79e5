/**
 * Google Cloud Storage by its XML API, with a service account's key. Path style on the one host of the service: names with
 * dots work there too.
 */
import { type StorageOf, serviceAccountOf } from "../../../shared/contract/storage.ts";
import { BucketStore } from "../bucket/bucket-store.ts";
import type { BucketDialect } from "../bucket/dialect.ts";
import type { StoreNetwork } from "../network.ts";
import type { ObjectStore } from "../port.ts";
import { encodeQuery } from "../signing/encode.ts";
import { StoreError } from "../store-error.ts";
import { authorizeGcs, type GcsSigner, gcsPath, importGcsKey, presignGcs } from "./sign.ts";

const GCS_URL = "https://storage.googleapis.com";

/** @param serviceUrl where the service is; another one than Google's own for an emulator */
export function gcsStore(config: StorageOf<"gcs">, network: StoreNetwork, serviceUrl = GCS_URL): ObjectStore {
  return new BucketStore(gcsDialect(config, serviceUrl), network);
}

function gcsDialect(config: StorageOf<"gcs">, serviceUrl: string): BucketDialect {
  const { bucket } = config;
  const { origin, host, hostname } = new URL(serviceUrl);
  let signer: Promise<GcsSigner> | null = null;
  const signerOf = () => {
    signer ??= openSigner(config);
    return signer;
  };
  const path = (key: string) => gcsPath({ bucket, key });
  return {
    partDigest: "content-md5",
    metaPrefix: "x-goog-meta-",
    ifAbsent: { "x-goog-if-generation-match": "0" },
    versions: ["x-goog-generation"],
    etagOfParts: false,
    ifUnchanged: (seen) => {
      const generation = seen.get("x-goog-generation");
      return generation === null ? null : { "x-goog-if-generation-match": generation };
    },
    objectUrl: (key) => new URL(origin + path(key)),
    async authorize({ method, key, query, headers }, at) {
      const signed = await authorizeGcs({ method, host, bucket, key, query, headers }, await signerOf(), at);
      const search = encodeQuery(query, "given");
      return { url: origin + path(key) + (search === "" ? "" : `?${search}`), headers: signed };
    },
    async presign({ method, key, query }, at, expiresSeconds) {
      // Google's library signs the host without its port; on the service's own host there is none.
      const request = { method, host: hostname, bucket, key, query, headers: {} };
      return `${origin}${path(key)}?${await presignGcs(request, await signerOf(), at, expiresSeconds)}`;
    },
  };
}

async function openSigner(config: StorageOf<"gcs">): Promise<GcsSigner> {
  const account = serviceAccountOf(config.service_account_json);
  if (account === null) throw new StoreError("InvalidServiceAccount", "permanent");
  const key = await importGcsKey(account.private_key).catch(() => {
    throw new StoreError("InvalidServiceAccount", "permanent");
  });
  return { clientEmail: account.client_email, key };
}
