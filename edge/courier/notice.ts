/** What a partition hands to the account's courier: one message to be sent, complete but for its signature. */
import { LADDER_MS } from "./ladder.ts";

export const OUTCOME_TYPES = ["job_completed", "job_failed", "job_warning", "job_skipped"] as const;
export type OutcomeType = (typeof OUTCOME_TYPES)[number];
/** `type` of the bodies of jobs API 8.1. */
export type NoticeType = OutcomeType | "batch_completed" | "progress";

export type Channel = "webhook" | "slack";

/**
 * Place among the webhooks of one batch (jobs API 8.1): each is first tried after all accepted ones of a lower rank have
 * had their first try. Children 0, their parent 1, the batch itself 2.
 */
export type BatchRank = 0 | 1 | 2;

export interface Notice {
  /** The `webhook-id`, derived from what happened: a repeated notice has the same, and is taken once. */
  id: string;
  account_id: string;
  channel: Channel;
  type: NoticeType;
  job_id: string | null;
  batch_id: string | null;
  /** Where it goes; null for Slack, whose address is the account's setting at the time of sending. */
  url: string | null;
  /** The bytes of every try. */
  body: string;
  /** When it happened, epoch milliseconds. */
  created_at: number;
  /** Null: waits for nothing, and nothing waits for it. */
  batch_rank: BatchRank | null;
}

/** Progress is news only while it is new, and Slack is told once (jobs API 8.2, 9.3). */
export function maxTries(notice: Pick<Notice, "channel" | "type">): number {
  return notice.channel === "slack" || notice.type === "progress" ? 1 : LADDER_MS.length;
}
