import { unavailable } from "../../app-error.ts";
import { StoreError } from "../../storage/store-error.ts";

const STORE_RETRY_SECONDS = 30;

/** What a client hears of a store that refused or did not answer: its own code, and to come back. Other errors stay. */
export function storeAway(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  return unavailable(`Storage is unavailable: ${error.code}`, STORE_RETRY_SECONDS);
}
