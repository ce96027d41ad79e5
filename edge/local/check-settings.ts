import { SecretBox, SecretBoxError } from "../auth/secret-box.ts";
import { HostError } from "./host-error.ts";
import type { PASSED_VARS } from "./worker-config.ts";

/** Of those that are passed on. */
const NUMBERS: readonly (typeof PASSED_VARS)[number][] = [
  "TRAWL_PARTITIONS",
  "TRAWL_MAX_PENDING",
  "TRAWL_MAX_PARTITION_READY",
  "TRAWL_MAX_PER_HOST",
  "TRAWL_RATE",
  "TRAWL_LEASE_TTL_MS",
  "TRAWL_DEADLINE_MS",
  "TRAWL_RETENTION_DAYS",
  "TRAWL_HISTORY_DAYS",
];
const STORES = ["disk", "r2"];

/**
 * The Worker takes its default for what is no number, and finds a bad key at the first secret. Who starts it here hears of
 * it at once.
 *
 * @throws HostError `bad_option`, with the name
 */
export function checkSettings(env: NodeJS.ProcessEnv): void {
  for (const name of NUMBERS) {
    const text = env[name] ?? "";
    if (text !== "" && !/^\d+(\.\d+)?$/.test(text.trim())) {
      throw new HostError("bad_option", `${name} must be a number of at least 0, not '${text}'`);
    }
  }
  const store = env.TRAWL_STORE || "disk";
  if (!STORES.includes(store)) throw new HostError("bad_option", `TRAWL_STORE must be disk or r2, not '${store}'`);
  if (!env.TRAWL_KEK) return;
  try {
    new SecretBox(env.TRAWL_KEK);
  } catch (error) {
    if (error instanceof SecretBoxError) throw new HostError("bad_option", error.message);
    throw error;
  }
}
