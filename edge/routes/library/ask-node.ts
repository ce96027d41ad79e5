/** An interactive call of the library API: its deadlines, and its words for what went wrong (sections 1.3 and 1.5 there). */
import { cleanText } from "../../../shared/clean-text.ts";
import type { CallRequest, CallResult } from "../../../shared/contract/calls.ts";
import { FAILURE_RULES } from "../../../shared/contract/failures.ts";
import { AppError } from "../../app-error.ts";
import { readSettings } from "../../db/settings.ts";
import { NO_NODE_RETRY_SECONDS } from "../calls/ask-node.ts";
import { consultNode, type Refusal } from "../calls/consult-node.ts";
import type { AppContext } from "../http.ts";

/** Of what is no extraction. */
const SHORT_DEADLINE_MS = 30_000;
/** A log is shown whole, as far as lines of a screen go. */
const MAX_LOG_TEXT = 4_000;

/** The source, or the node, failed; each route has words of its own for that. */
export class NodeRefused extends Error {
  override readonly name = "NodeRefused";
  /** What yt-dlp said, else what the node said; cleaned. */
  readonly said: string;
  /** Another node would have said the same. */
  readonly ofContent: boolean;

  constructor({ class: failure, message, log }: Refusal, ofContent: boolean) {
    const lines = (log ?? [message]).map((line) => cleanText(line, { max: MAX_LOG_TEXT, keepToolName: true }));
    super(`a node refused: ${failure}`);
    const said = lines.filter((line) => line !== "").join(" ");
    this.ofContent = ofContent;
    this.said = said === "" ? FAILURE_RULES[failure].text : said;
  }
}

/** The account's `extract_info_timeout`. */
export async function extractionDeadlineMs({ env, var: { caller } }: AppContext): Promise<number> {
  const { extract_info_timeout: seconds } = await readSettings(env.DB, caller.account.id);
  return seconds * 1_000;
}

/**
 * Asks a node, and one other if the first fails for its own reasons.
 *
 * @param deadlineMs Defaults to 30 s.
 * @throws NodeRefused; AppError 503 without a node, 504 past the deadline.
 */
export async function askForLibrary<Kind extends CallResult["kind"]>(
  context: AppContext,
  request: Extract<CallRequest, { kind: Kind }>,
  deadlineMs: number = SHORT_DEADLINE_MS,
): Promise<Extract<CallResult, { kind: Kind }>> {
  const outcome = await consultNode(context, request, deadlineMs);
  switch (outcome.kind) {
    case "answered": {
      const [asked, answered]: [CallRequest, CallResult] = [request, outcome.result];
      // A node is a stranger: its answer has the contract's form, but may be to another question.
      if (answered.kind !== asked.kind) throw new Error(`${asked.kind} was answered by ${answered.kind}`);
      return outcome.result as Extract<CallResult, { kind: Kind }>;
    }
    case "failed":
      // Busy, or leaving.
      if (outcome.refusal.class === "lost") throw late();
      throw new NodeRefused(outcome.refusal, outcome.ofContent);
    case "no_node":
      throw new AppError("unavailable", "No worker node is online.", {
        headers: { "Retry-After": String(NO_NODE_RETRY_SECONDS) },
      });
    case "late":
      throw late();
  }
}

function late(): AppError {
  return new AppError("timed_out", "The worker node did not answer in time.");
}
