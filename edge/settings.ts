/**
 * What is wrong with an operator's settings. `trawl up` starts with none of it; the Worker on Cloudflare is started by others,
 * goes by its defaults, and says so in `/ready` and in its log. No sentence holds a value: `/ready` is open to everyone.
 */
import { SecretBoxError, secretBoxOf } from "./auth/secret-box.ts";

export type Settings = Readonly<Record<string, unknown>>;

const NUMBERS = [
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

export interface SettingFault {
  name: string;
  /** `TRAWL_RATE must be a number of at least 0`. */
  says: string;
}

export function settingFaults(settings: Settings): SettingFault[] {
  const numbers = NUMBERS.filter((name) => isSet(settings[name]) && toNumber(settings[name]) === null);
  const faults = numbers.map((name) => ({ name, says: `${name} must be a number of at least 0` }));
  const { TRAWL_STORE: store, TRAWL_KEK: keks } = settings;
  if (isSet(store) && !STORES.includes(String(store))) {
    faults.push({ name: "TRAWL_STORE", says: "TRAWL_STORE must be disk or r2" });
  }
  if (isSet(keks) && kekFault(keks) !== null) {
    faults.push({ name: "TRAWL_KEK", says: "TRAWL_KEK must be id:base64[,id:base64], keys of 32 bytes" });
  }
  return faults;
}

/** In the words of who opens the keys, which may name one by its id: for the operator's own terminal alone. Null: they open. */
export function kekFault(keks: unknown): string | null {
  try {
    secretBoxOf({ TRAWL_KEK: String(keks) });
    return null;
  } catch (error) {
    if (error instanceof SecretBoxError) return error.message;
    throw error;
  }
}

/** Plain digits, perhaps with a fraction; null: no such number. wrangler makes a number of a var that is written as one. */
export function toNumber(value: unknown): number | null {
  const text = String(value).trim();
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && String(value).trim() !== "";
}
