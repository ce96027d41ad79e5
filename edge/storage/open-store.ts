import type { Provider, Storage, StorageOf } from "../../shared/contract/storage.ts";
import { checkUrl } from "../../shared/url-guard.ts";
import { type Env, urlPolicy } from "../env.ts";
import { azureStore } from "./azure/azure.ts";
import { diskStore } from "./disk.ts";
import { gcsStore } from "./gcs/gcs.ts";
import type { StoreNetwork } from "./network.ts";
import { ossStore } from "./oss/oss.ts";
import type { ObjectStore } from "./port.ts";
import { r2Store } from "./r2/r2.ts";
import { s3Store } from "./s3/s3.ts";

/** The operator's own (managed) storage of this deployment. Throws when it is not configured. */
export function openManagedStore(env: Env): ObjectStore {
  const kind = env.TRAWL_STORE ?? "disk";
  if (kind === "r2") return openManagedR2(env);
  if (kind !== "disk") throw new Error(`TRAWL_STORE=${kind} is not supported; set it to disk or r2`);
  const service = env.STORE;
  if (service === undefined || env.TRAWL_STORE_SECRET === undefined || env.TRAWL_STORE_URL === undefined) {
    throw new Error("the disk store is not bound: STORE, TRAWL_STORE_SECRET and TRAWL_STORE_URL are required");
  }
  return diskStore({
    service: { fetch: (url, init) => service.fetch(url, init) },
    secret: env.TRAWL_STORE_SECRET,
    serviceUrl: env.TRAWL_STORE_URL,
  });
}

/** By keys of its S3 API, so that nodes write past the edge; else by the binding. */
function openManagedR2(env: Env): ObjectStore {
  const {
    TRAWL_R2_ACCOUNT: account,
    TRAWL_R2_KEY_ID: access_key,
    TRAWL_R2_SECRET: secret_key,
    TRAWL_R2_BUCKET: bucket,
  } = env;
  if (account && access_key && secret_key && bucket) {
    const endpoint = `https://${account}.r2.cloudflarestorage.com`;
    return openStore({ provider: "s3", endpoint, bucket, region: "auto", access_key, secret_key }, env);
  }
  if (env.FILES === undefined) {
    throw new Error("R2 is not bound: bind a bucket as FILES, or set TRAWL_R2_ACCOUNT, _KEY_ID, _SECRET and _BUCKET");
  }
  return r2Store(env.FILES);
}

type Adapters = { [Name in Provider]: (config: StorageOf<Name>, network: StoreNetwork) => ObjectStore };

/** One adapter a provider. */
const ADAPTERS: Adapters = { s3: s3Store, blob: azureStore, gcs: gcsStore, oss: ossStore };

/** A store of an account's own, with the credentials to use it. Nothing is asked of it yet. */
export function openStore(storage: Storage, env: Env): ObjectStore {
  const policy = urlPolicy(env);
  return adapt(storage, {
    fetch: (url, init) => fetch(url, init),
    now: Date.now,
    accepts: (url) => checkUrl(url, policy).ok,
  });
}

function adapt<Name extends Provider>(storage: StorageOf<Name>, network: StoreNetwork): ObjectStore {
  const open = ADAPTERS[storage.provider as Name] as Adapters[Name];
  return open(storage, network);
}
