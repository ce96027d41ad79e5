/** The store of a job's files, opened with the credentials that its target or its own sealed record holds. */
import type { Storage } from "../../shared/contract/storage.ts";
import { openJobSecrets } from "../auth/job-secrets.ts";
import { secretBoxOf } from "../auth/secret-box.ts";
import { openTargetStorage } from "../db/targets.ts";
import type { Env } from "../env.ts";
import { openManagedStore, openStore } from "../storage/open-store.ts";
import { StoreError } from "../storage/store-error.ts";
import type { Sql } from "./sql.ts";
import { getTarget, MANAGED_TARGET, type OpenStore, type StoreRef } from "./targets.ts";

/** Nothing is kept between two calls: clear credentials live no longer than the work that needs them. */
export function jobStores(sql: Sql, env: Env): OpenStore {
  const managed = openManagedStore(env);
  return async (ref) => (ref.targetId === MANAGED_TARGET ? managed : openStore(await storageOf(sql, env, ref), env));
}

/** @throws as {@link OpenStore} */
export async function storageOf(sql: Sql, env: Env, { account, targetId, sealed }: StoreRef): Promise<Storage> {
  const box = secretBoxOf(env);
  const target = getTarget(sql, targetId);
  if (target !== undefined && target.sealed !== null) return openTargetStorage(box, account, target.sealed);
  const { storage } = await openJobSecrets(box, account, sealed);
  if (storage === undefined) throw new StoreError("no credentials", "permanent");
  return storage as Storage;
}
