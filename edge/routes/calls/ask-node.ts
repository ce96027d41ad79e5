/** An interactive call from the Worker's side: it owns the deadline, and asks one other node inside it (DESIGN section 3). */

import { cleanText } from "../../../shared/clean-text.ts";
import type { CallRequest, CallResult } from "../../../shared/contract/calls.ts";
import { FAILURE_RULES } from "../../../shared/contract/failures.ts";
import { AppError, unavailable } from "../../app-error.ts";
import type { CallOutcome } from "../../partition/calls.ts";
import type { AppContext } from "../http.ts";
import { askPartition } from "../jobs/job-access.ts";

/** Deadlines by what is asked (jobs API 1.3). */
const CALL_DEADLINE_MS = { look: 30_000, expand: 60_000, show: 60_000 } as const;
const NO_NODE_RETRY_SECONDS = 5;
const MAX_NODES_ASKED = 2;
/** The first node may use this share of the deadline, so that silence leaves time for another. */
const FIRST_SHARE = 0.6;
/** A partition that was restarted under a call is asked again for so long: its nodes' sockets are back within 5 s. */
const RESTART_PATIENCE_MS = 10_000;
const RESTART_PAUSE_MS = 250;

/**
 * Asks a node. A node that fails for a technical reason, or stays silent, is followed by one other. What was asked is
 * forgotten when the partition is restarted: then it is asked again.
 *
 * @throws AppError 400 for a problem of the content, 502 of the site, 503 without a node, 504 past the deadline.
 */
export async function askNode(context: AppContext, request: CallRequest): Promise<CallResult> {
  const began = Date.now();
  const deadline = began + CALL_DEADLINE_MS[request.kind];
  const asked: string[] = [];
  let failure: AppError | null = null;
  let restarted = false;
  while (asked.length < MAX_NODES_ASKED) {
    const left = deadline - Date.now();
    if (left <= 0) break;
    const wait = asked.length === 0 ? Math.round(left * FIRST_SHARE) : left;
    const outcome = await askOnce(context, request, wait, left, asked);
    const wasLost = outcome instanceof AppError;
    restarted ||= wasLost;
    const isAway = wasLost || (outcome.kind === "no_node" && asked.length === 0);
    if (restarted && isAway && Date.now() - began < RESTART_PATIENCE_MS) {
      await new Promise((resolve) => setTimeout(resolve, RESTART_PAUSE_MS));
      continue;
    }
    if (wasLost) throw outcome;
    if (outcome.kind === "no_node") break;
    asked.push(outcome.node);
    if (outcome.kind === "silent") {
      failure = null;
      continue;
    }
    const { answer } = outcome;
    if (answer.ok) return answer.result;
    const rule = FAILURE_RULES[answer.class];
    const text = cleanText(answer.message) || rule.text;
    if (rule.error_type === "warning") throw new AppError("invalid", text, { field: "url" });
    failure = new AppError("bad_gateway", text);
  }
  if (failure !== null) throw failure;
  if (asked.length === 0) throw unavailable("No worker node is online", NO_NODE_RETRY_SECONDS);
  throw new AppError("timed_out", "Extraction timed out");
}

/** What became of one question; the error if it was lost with its partition. */
async function askOnce(
  context: AppContext,
  request: CallRequest,
  waitMs: number,
  lastMs: number,
  exclude: readonly string[],
): Promise<CallOutcome | AppError> {
  try {
    return await askPartition(context, async (stub) =>
      stub.call(context.var.caller.account.id, request, waitMs, lastMs, exclude),
    );
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}
