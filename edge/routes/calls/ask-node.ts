/** An interactive call of the jobs API and the downloads API. */
import { cleanText } from "../../../shared/clean-text.ts";
import type { CallRequest, CallResult } from "../../../shared/contract/calls.ts";
import { FAILURE_RULES } from "../../../shared/contract/failures.ts";
import { AppError, unavailable } from "../../app-error.ts";
import type { AppContext } from "../http.ts";
import { consultNode } from "./consult-node.ts";

/** Deadlines by what is asked (jobs API 1.3). */
const CALL_DEADLINE_MS = { look: 30_000, expand: 60_000, show: 60_000 } as const;
export const NO_NODE_RETRY_SECONDS = 5;

/** Questions of these APIs. */
type Asked = Extract<CallRequest, { kind: keyof typeof CALL_DEADLINE_MS }>;

/** @throws AppError 400 for a problem of the content, 502 of the site, 503 without a node, 504 past the deadline. */
export async function askNode(context: AppContext, request: Asked): Promise<CallResult> {
  const outcome = await consultNode(context, request, CALL_DEADLINE_MS[request.kind]);
  switch (outcome.kind) {
    case "answered":
      return outcome.result;
    case "failed": {
      const { refusal, ofContent } = outcome;
      const text = cleanText(refusal.message) || FAILURE_RULES[refusal.class].text;
      throw ofContent ? new AppError("invalid", text, { field: "url" }) : new AppError("bad_gateway", text);
    }
    case "no_node":
      throw unavailable("No worker node is online", NO_NODE_RETRY_SECONDS);
    case "late":
      throw new AppError("timed_out", "Extraction timed out");
  }
}
