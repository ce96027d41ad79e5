import { sha256Hex } from "./api-keys.ts";

/**
 * The partition of a new account: rendezvous hash over `p1:<region>:<n>`. It is stored with the account and never
 * computed again, so a changed number of partitions moves nobody.
 */
export async function choosePartition(account: string, partitions: number, region: string): Promise<string> {
  let best = { name: `p1:${region}:0`, weight: "" };
  for (let n = 0; n < Math.max(1, partitions); n++) {
    const name = `p1:${region}:${n}`;
    const weight = await sha256Hex(`${name}\n${account}`);
    if (weight > best.weight) best = { name, weight };
  }
  return best.name;
}

/** Every partition that this deployment may use, so that nodes can serve them all. */
export function partitionNames(partitions: number, region: string): string[] {
  return Array.from({ length: Math.max(1, partitions) }, (_, n) => `p1:${region}:${n}`);
}
