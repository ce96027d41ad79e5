import type { Env } from "../../env.ts";
import { openManagedStore } from "../../storage/open-store.ts";
import type { ObjectStore } from "../../storage/port.ts";

/** One account's file tree, with the store behind it. */
export interface Tree {
  db: D1Database;
  store: ObjectStore;
  account: string;
  /** What the keys of its objects begin with: `""` for the first account, `@<id>/` for the others. */
  prefix: string;
}

export function openTree(env: Env, account: { id: string; store_prefix: string }): Tree {
  return { db: env.DB, store: openManagedStore(env), account: account.id, prefix: account.store_prefix };
}
