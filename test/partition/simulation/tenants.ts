/** Whose jobs a run is about: accounts and keys, some with limits. */
import type { AccountFacts } from "../../../edge/partition/create.ts";
import type { KeyFacts } from "../../../edge/partition/keys.ts";
import { account } from "../fixtures.ts";

export const ACCOUNTS: readonly AccountFacts[] = [
  account("ann", { max_duration_seconds: 100, max_queued: 9 }),
  // Some jobs bring some hundred bytes each.
  account("bob", { max_concurrent: 3, storage_limit_bytes: 4_000 }),
  account("cyd", { attempt_deadline_seconds: 240 }, "shared"),
  // Nobody's but its own nodes may serve it.
  account("dan", {}, "own"),
];

/** Accounts whose jobs somebody in the fleet may run. */
export function tenantsOf(nodes: Iterable<{ account: string | null }>): readonly AccountFacts[] {
  const owners = new Set([...nodes].map((node) => node.account));
  return ACCOUNTS.filter(({ id, pool }) => pool !== "own" || owners.has(id));
}

const KEY_LIMITS: Record<string, KeyFacts["limits"]> = { cyd: { max_concurrent: 1, max_queued: 6 } };

/** The one key of an account. */
export function keyOf(owner: Pick<AccountFacts, "id">): KeyFacts {
  return { id: `key-${owner.id}`, limits: KEY_LIMITS[owner.id] ?? {} };
}
