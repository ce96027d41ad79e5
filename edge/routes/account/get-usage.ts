import { Usage } from "../../../shared/contract/views/account.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { askPartition } from "../jobs/job-access.ts";

const GIB = 2 ** 30;
const MIB = 2 ** 20;

/** `GET /usage` (jobs API 9.1). Limits stand in it only for keys that have them. */
export const getUsage: Endpoint = {
  operationId: "get-usage",
  method: "GET",
  path: "/usage",
  summary: "Usage of the account",
  scope: "usage:read",
  describe: {
    tag: "Account",
    details: "Keys of limits stand in it only for API keys that have the limit.",
    answers: [answer(200, "The counters.", Usage)],
  },
  async handler(context) {
    const { account, limits } = context.var.caller;
    const usage = await askPartition(context, (stub) => stub.usage(account.id));
    const effective = usage.bytes_used + usage.bytes_reserved;
    const storage = limits.storage_limit_bytes;
    return context.json({
      client_name: account.name,
      usage_count: usage.usage_count,
      storage_usage_gb: decimals(usage.bytes_used / GIB),
      storage_reserved_gb: decimals(usage.bytes_reserved / GIB),
      storage_effective_usage_gb: decimals(effective / GIB),
      ...(storage === undefined
        ? {}
        : {
            storage_limit_gb: decimals(storage / GIB),
            storage_limit_bytes: storage,
            storage_remaining_gb: decimals(Math.max(0, storage - effective) / GIB),
          }),
      ...(limits.max_resolution === undefined ? {} : { max_resolution_limit: limits.max_resolution }),
      ...(limits.max_duration_seconds === undefined ? {} : { max_duration_limit_seconds: limits.max_duration_seconds }),
      ...(limits.max_filesize_bytes === undefined
        ? {}
        : {
            max_filesize_limit_bytes: limits.max_filesize_bytes,
            max_filesize_limit_mb: decimals(limits.max_filesize_bytes / MIB),
          }),
    });
  },
};

/** Two of them (jobs API 1.1). */
function decimals(value: number): number {
  return Math.round(value * 100) / 100;
}
