/** URLs of delivered files, wherever they lie (jobs API 11.2). */
import type { Storage } from "../../../shared/contract/storage.ts";
import { FILE_URL_TTL_MS } from "../../../shared/limits.ts";
import { openSealedFileUrl } from "../../auth/file-url-secrets.ts";
import { SecretBoxError, secretBoxOf } from "../../auth/secret-box.ts";
import { signerOf } from "../../auth/signing.ts";
import { openTargetStorage, readAccountStorage, readPlace } from "../../db/targets.ts";
import type { Env } from "../../env.ts";
import { makeLog } from "../../log.ts";
import type { FileRow } from "../../partition/drain.ts";
import { MANAGED_TARGET } from "../../partition/targets.ts";
import { openManagedStore, openStore } from "../../storage/open-store.ts";
import type { ObjectStore } from "../../storage/port.ts";
import { isSameStore } from "../../storage/storage-place.ts";
import { StoreError } from "../../storage/store-error.ts";
import { signFileUrl } from "./file-url.ts";

type FileOf = Pick<
  FileRow,
  "file_id" | "account_id" | "path" | "store_key" | "etag" | "target_id" | "sealed_url" | "url_until"
>;

/**
 * The store that holds a file, while it can be reached: managed storage always, the account's own while its active
 * configuration names the same provider, endpoint and bucket. Inline storage never: its credentials are gone.
 */
export async function reachStore(env: Env, account: string, targetId: string): Promise<ObjectStore | null> {
  if (targetId === MANAGED_TARGET) return openManagedStore(env);
  const [active, place] = await Promise.all([
    readAccountStorage(env.DB, account),
    readPlace(env.DB, account, targetId),
  ]);
  if (active === null || place === null || !isSameStore(active, place)) return null;
  const storage = await opened(env, account, active.sealed);
  return storage === null ? null : openStore(storage, env);
}

/** Credentials under a key that the operator has lost are as good as none. */
async function opened(env: Env, account: string, sealed: string): Promise<Storage | null> {
  try {
    return await openTargetStorage(secretBoxOf(env), account, sealed);
  } catch (error) {
    if (!(error instanceof SecretBoxError)) throw error;
    makeLog(env)("error", "credentials.unreadable", { account, reason: error.reason });
    return null;
  }
}

/** False: the file was removed or changed by hand. A store that does not answer tells nothing of the kind. */
async function isThere(env: Env, { store_key, etag }: FileOf): Promise<boolean> {
  const store = openManagedStore(env);
  if (store.byHand === undefined) return true;
  try {
    return (await store.head(store_key))?.etag === etag;
  } catch (error) {
    if (error instanceof StoreError) return true;
    throw error;
  }
}

/**
 * Makes the URLs of one account's files, 24 h from now; null for what is out of reach, or was removed or changed by hand.
 *
 * @param origin base of the URLs that lead through us.
 * @param disposition `Content-Disposition` that a provider is asked to answer with.
 */
export function fileUrls(
  env: Env,
  origin: string,
  disposition: string | null = null,
): (file: FileOf) => Promise<string | null> {
  const stores = new Map<string, Promise<ObjectStore | null>>();
  const storeOf = (file: FileOf) => {
    const known = stores.get(file.target_id) ?? reachStore(env, file.account_id, file.target_id);
    stores.set(file.target_id, known);
    return known;
  };
  return async (file) => {
    const now = Date.now();
    const ours = () =>
      signFileUrl(signerOf(env), origin, { fileId: file.file_id, account: file.account_id, key: file.path }, now);
    if (file.target_id === MANAGED_TARGET) return (await isThere(env, file)) ? ours() : null;
    if (file.sealed_url !== null) {
      const lives = file.url_until !== null && file.url_until > now;
      return lives ? openSealedFileUrl(secretBoxOf(env), file.account_id, file.sealed_url) : null;
    }
    const store = await storeOf(file);
    if (store === null) return null;
    const signed = await store.presignRead({ key: file.store_key, expiresAt: now + FILE_URL_TTL_MS, disposition });
    // A store that gives no URLs away: we relay.
    return signed ?? ours();
  };
}
