import type { Env } from "../env.ts";
import { diskStore } from "./disk.ts";
import type { ObjectStore } from "./port.ts";

/** The operator's own (managed) storage of this deployment. Throws when it is not configured. */
export function openManagedStore(env: Env): ObjectStore {
  const service = env.STORE;
  const kind = env.TRAWL_STORE ?? "disk";
  if (kind !== "disk") throw new Error(`TRAWL_STORE=${kind} is not supported; set it to disk`);
  if (service === undefined || env.TRAWL_STORE_SECRET === undefined || env.TRAWL_STORE_URL === undefined) {
    throw new Error("the disk store is not bound: STORE, TRAWL_STORE_SECRET and TRAWL_STORE_URL are required");
  }
  return diskStore({
    service: { fetch: (url, init) => service.fetch(url, init) },
    secret: env.TRAWL_STORE_SECRET,
    serviceUrl: env.TRAWL_STORE_URL,
  });
}
