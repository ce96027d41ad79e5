/** Puts an account's storage into force: D1 first, then the partition that new jobs are created in. */
import type { Provider, Storage } from "../../../shared/contract/storage.ts";
import { unavailable } from "../../app-error.ts";
import { secretBoxOf } from "../../auth/secret-box.ts";
import { factsOf, findAccount } from "../../db/accounts.ts";
import { putAccountStorage, removeAccountStorage, type TargetSource } from "../../db/targets.ts";
import type { AppContext } from "../http.ts";
import { askPartition } from "../jobs/job-access.ts";
import { mintId } from "../jobs/new-job.ts";

const SAVE_RETRY_SECONDS = 5;

/** Configuring another storage replaces the one before (jobs API 9.2). */
export async function saveStorage(context: AppContext, storage: Storage, source: TargetSource): Promise<void> {
  const { DB } = context.env;
  const now = Date.now();
  const target = { id: mintId(now), storage, source };
  try {
    await putAccountStorage(DB, secretBoxOf(context.env), context.var.caller.account.id, target, now);
  } catch {
    throw unavailable("Configuration could not be saved", SAVE_RETRY_SECONDS);
  }
  await tellPartition(context);
}

/** False when the account's storage is not of this provider. */
export async function dropStorage(context: AppContext, provider: Provider): Promise<boolean> {
  const { account } = context.var.caller;
  if (!(await removeAccountStorage(context.env.DB, account.id, provider, Date.now()))) return false;
  await tellPartition(context);
  return true;
}

/** What a Worker remembers of the account is some seconds old; what is pushed wins over it. */
async function tellPartition(context: AppContext): Promise<void> {
  const account = await findAccount(context.env.DB, context.var.caller.account.id);
  if (account !== null) await askPartition(context, async (stub) => stub.adminSetAccount(factsOf(account)));
}
