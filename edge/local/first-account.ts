import type { AdminClient } from "./admin-client.ts";
import type { Log } from "./log.ts";

/** The account and the key of a fresh installation both bear this name. */
const DEFAULT_NAME = "default";

/**
 * Makes sure that the first account exists and takes the installation's API key. Safe to repeat after a crash at any
 * point, and after `state/` was removed: the key on disk is given to the edge again, so clients keep working.
 */
export async function ensureFirstAccount(admin: AdminClient, apiKey: string, log: Log): Promise<void> {
  const known = (await admin.accounts()).find((account) => account.name === DEFAULT_NAME);
  const account = known ?? (await admin.createAccount(DEFAULT_NAME));
  if (known === undefined) log.info("account.created", { account: account.id });
  if (await admin.accepts(apiKey)) return;
  await admin.createKey(account.id, DEFAULT_NAME, apiKey);
  log.info("key.created", { account: account.id });
}
