/** How many jobs an account has, by status: the partition's counters less the records that went (docs/decisions/028). */
import { type GoneRecords, goneRecords } from "../../db/records.ts";
import type { AccountTotals } from "../../partition/reads.ts";
import type { AppContext } from "../http.ts";
import { accountFacts, askPartition } from "./job-access.ts";

/** For lists: waits (at most 2 s) until D1 has the account's events up to now. */
export async function listTotals(context: AppContext): Promise<AccountTotals> {
  const counted = await askPartition(context, (stub) => stub.listBarrier(accountFacts(context)));
  return without(counted, await goneRecords(context.env.DB, context.var.caller.account.id));
}

/** As {@link listTotals}, of this moment. */
export async function readTotals(context: AppContext): Promise<AccountTotals> {
  const { account } = context.var.caller;
  const [counted, gone] = await Promise.all([
    askPartition(context, (stub) => stub.totals(account.id)),
    goneRecords(context.env.DB, account.id),
  ]);
  return without(counted, gone);
}

function without(counted: AccountTotals, gone: GoneRecords): AccountTotals {
  return {
    pending: counted.pending,
    processing: counted.processing,
    completed: counted.completed - gone.completed,
    failed: counted.failed - gone.failed,
    warning: counted.warning - gone.warning,
    skipped: counted.skipped - gone.skipped,
  };
}
