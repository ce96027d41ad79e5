import { bornPartitions } from "../db/partitions.ts";
import { type Env, envNumber } from "../env.ts";
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

/** Every partition that this deployment gives to new accounts, so that nodes can serve them all. */
export function configuredPartitions(env: Pick<Env, "TRAWL_PARTITIONS" | "TRAWL_REGION">): string[] {
  const partitions = Math.max(1, envNumber(env.TRAWL_PARTITIONS, 1));
  return Array.from({ length: partitions }, (_, n) => `p1:${env.TRAWL_REGION ?? "auto"}:${n}`);
}

/** Those of today's settings and of earlier ones: a changed number or region moves no account. */
export async function everyPartition(env: Pick<Env, "TRAWL_PARTITIONS" | "TRAWL_REGION" | "DB">): Promise<string[]> {
  return [...new Set([...configuredPartitions(env), ...(await bornPartitions(env.DB))])];
}
