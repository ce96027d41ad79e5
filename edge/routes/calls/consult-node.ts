/** An interactive call from the Worker's side: it owns the deadline, and asks one other node inside it (DESIGN section 3). */
import type { CallAnswer, CallRequest, CallResult } from "../../../shared/contract/calls.ts";
import { FAILURE_RULES } from "../../../shared/contract/failures.ts";
import { AppError } from "../../app-error.ts";
import type { CallOutcome } from "../../partition/calls.ts";
import type { AppContext } from "../http.ts";
import { askPartition } from "../jobs/job-access.ts";

const MAX_NODES_ASKED = 2;
/** The first node may use this share of the deadline, so that silence leaves time for another. */
const FIRST_SHARE = 0.6;
/** A partition that was restarted under a call is asked again for so long: its nodes' sockets are back within 5 s. */
const RESTART_PATIENCE_MS = 10_000;
const RESTART_PAUSE_MS = 250;

export type Refusal = Extract<CallAnswer, { ok: false }>;

/** What became of a question; each API surface has words of its own for it. */
export type Consultation =
  | { kind: "answered"; result: CallResult }
  /** By the node that was asked last. `ofContent`: another node would have said the same. */
  | { kind: "failed"; refusal: Refusal; ofContent: boolean }
  | { kind: "no_node" }
  | { kind: "late" };

/**
 * Asks a node. A node that fails for a technical reason, or stays silent, is followed by one other. What was asked is
 * forgotten when the partition is restarted: then it is asked again.
 *
 * @throws AppError 503 when the partition does not answer.
 */
export async function consultNode(
  context: AppContext,
  request: CallRequest,
  deadlineMs: number,
): Promise<Consultation> {
  const began = Date.now();
  const deadline = began + deadlineMs;
  const asked: string[] = [];
  let refusal: Refusal | null = null;
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
      refusal = null;
      continue;
    }
    const { answer } = outcome;
    if (answer.ok) return { kind: "answered", result: answer.result };
    if (FAILURE_RULES[answer.class].error_type === "warning") {
      return { kind: "failed", refusal: answer, ofContent: true };
    }
    refusal = answer;
  }
  if (refusal !== null) return { kind: "failed", refusal, ofContent: false };
  return { kind: asked.length === 0 ? "no_node" : "late" };
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
