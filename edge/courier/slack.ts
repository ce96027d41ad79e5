/** Messages to an account's Slack (jobs API 9.3): failures only. */
import type { JobRow } from "../partition/job-row.ts";
import type { NoticeType, OutcomeType } from "./notice.ts";

export const NOTIFY_LEVELS = ["all", "errors_only", "warnings_only"] as const;
export type NotifyLevel = (typeof NOTIFY_LEVELS)[number];

export const SLACK_URL_PREFIX = "https://hooks.slack.com/services/";

/** Slack's own colour names have no orange. */
const RED = "#d00000";
const ORANGE = "#ff9000";

type Failure = Exclude<OutcomeType, "job_completed">;

const LOOKS: Record<Failure, { emoji: string; color: string; verb: string }> = {
  job_failed: { emoji: ":x:", color: RED, verb: "failed" },
  job_warning: { emoji: ":warning:", color: ORANGE, verb: "ended with a warning" },
  job_skipped: { emoji: ":warning:", color: ORANGE, verb: "was skipped" },
};

/** Whether an account that chose this level hears of such an end. */
export function wantsSlack(level: NotifyLevel, type: NoticeType): boolean {
  if (type === "job_failed") return level !== "warnings_only";
  return (type === "job_warning" || type === "job_skipped") && level !== "errors_only";
}

/** One attachment: job id, failure class, source URL, and the error as the API words it. */
export function slackBody(type: Failure, job: Pick<JobRow, "id" | "url" | "error" | "error_class">) {
  const { emoji, color, verb } = LOOKS[type];
  const headline = `${emoji} Job ${verb}`;
  return {
    attachments: [
      {
        color,
        fallback: `${headline}: ${job.id}`,
        text: headline,
        fields: [
          { title: "Job", value: job.id, short: false },
          { title: "Failure class", value: job.error_class ?? "batch", short: true },
          { title: "Error", value: escapeText(job.error ?? ""), short: true },
          { title: "URL", value: escapeText(job.url), short: false },
        ],
      },
    ],
  };
}

/** Slack's three control characters: without this a source URL could mention a whole channel. */
function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
