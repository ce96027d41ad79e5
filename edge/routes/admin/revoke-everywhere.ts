import type { Env } from "../../env.ts";
import { askOne } from "./ask-partitions.ts";

/**
 * Makes a revocation count at once, where D1 alone would count within the seconds for which Workers remember a key: the
 * partition refuses the keys' next requests, then their open streams end. In this order, so that no new one slips in.
 */
export async function revokeEverywhere(
  env: Env,
  account: string,
  partition: string,
  keys: readonly string[],
): Promise<void> {
  if (keys.length === 0) return;
  await askOne(env, partition, async (stub) => stub.adminRevokeKeys(keys));
  await env.EVENT_STREAM.getByName(account).closeKeys(keys);
}
