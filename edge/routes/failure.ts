import { AppError } from "../app-error.ts";
import { errorText, makeLog, traceField } from "../log.ts";
import type { AppContext } from "./http.ts";

/** The error as a surface can word it: what is none of ours is logged, and told as an internal one. */
export function toAppError(error: unknown, context: AppContext): AppError {
  if (error instanceof AppError) return error;
  const fields = { request: context.var.requestId, ...traceField(context.req.header("traceparent")) };
  makeLog(context.env)("error", "request.failed", { ...fields, error: errorText(error) });
  return new AppError("internal", "Internal server error");
}
