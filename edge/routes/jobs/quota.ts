import { AppError } from "../../app-error.ts";
import type { AppContext } from "../http.ts";
import { askPartition } from "./job-access.ts";

const GIB = 2 ** 30;

/** 403 once used + reserved has reached the key's storage limit (jobs API 1.2). */
export async function assertQuota(context: AppContext): Promise<void> {
  const { caller } = context.var;
  const limit = caller.limits.storage_limit_bytes;
  if (limit === undefined) return;
  const usage = await askPartition(context, (stub) => stub.usage(caller.account.id));
  const used = usage.bytes_used + usage.bytes_reserved;
  if (used < limit) return;
  const limitGb = (limit / GIB).toFixed(2);
  const usedGb = (used / GIB).toFixed(2);
  throw new AppError("forbidden", "Storage quota exceeded", {
    body: {
      limit_gb: limitGb,
      used_gb: usedGb,
      message: `This API key has a ${Number(limitGb)} GB limit and has used ${usedGb} GB`,
    },
  });
}
