/** Whose jobs a run is about: accounts and keys, some with limits. */
import type { AccountFacts } from "../../../edge/partition/create.ts";
import type { KeyFacts } from "../../../edge/partition/keys.ts";
import { account } from "../fixtures.ts";

export const ACCOUNTS: readonly AccountFacts[] = [
  account("ann"),
  // Some jobs bring some hundred bytes each.
  account("bob", { max_concurrent: 3, storage_limit_bytes: 4_000 }),
  account("cyd", {}, "shared"),
];

const KEY_LIMITS: Record<string, KeyFacts["limits"]> = { cyd: { max_concurrent: 1, max_queued: 8 } };

/** The one key of an account. */
export function keyOf(owner: Pick<AccountFacts, "id">): KeyFacts {
  return { id: `key-${owner.id}`, limits: KEY_LIMITS[owner.id] ?? {} };
}
