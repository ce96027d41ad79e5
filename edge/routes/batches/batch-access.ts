import { isUuid } from "../../../shared/ids.ts";
import { AppError } from "../../app-error.ts";
import { findBatch } from "../../db/batches.ts";
import type { BatchRow } from "../../partition/batches.ts";
import type { AppContext } from "../http.ts";
import { askPartition } from "../jobs/job-access.ts";

function batchNotFound(): AppError {
  return new AppError("not_found", "Batch not found");
}

/** The id of the path; what cannot be an id is unknown. */
export function batchIdOf(context: AppContext): string {
  const id = (context.req.param("id") ?? "").toLowerCase();
  if (!isUuid(id)) throw batchNotFound();
  return id;
}

/** The account's partition first, D1 second. */
export async function readBatchRow(context: AppContext, id: string): Promise<BatchRow> {
  const account = context.var.caller.account.id;
  const batch: BatchRow | null =
    (await askPartition(context, async (stub) => stub.readBatch(account, id))) ??
    (await findBatch(context.env.DB, account, id));
  if (batch === null) throw batchNotFound();
  return batch;
}
