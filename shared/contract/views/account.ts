/** Usage, signing secret, Slack (jobs API 8.3, 9.1, 9.3). */
import { z } from "zod";
import { choice, decimal, text, whole } from "./fields.ts";

const limited = (description: string) => `${description}; only for API keys with that limit`;

export const Usage = z
  .object({
    client_name: text("Name of the account"),
    usage_count: whole("Jobs created so far"),
    storage_usage_gb: decimal("Cumulative transfer in GiB, two decimals; deleting files never lowers it"),
    storage_reserved_gb: decimal("GiB reserved by jobs that run"),
    storage_effective_usage_gb: decimal("Both together, which the quota check compares"),
    storage_limit_gb: decimal(limited("GiB")).optional(),
    storage_limit_bytes: whole(limited("Bytes")).optional(),
    storage_remaining_gb: decimal(limited("GiB left")).optional(),
    max_resolution_limit: text(limited("Highest resolution, as `720`")).optional(),
    max_duration_limit_seconds: whole(limited("Longest media, seconds")).optional(),
    max_filesize_limit_bytes: whole(limited("Largest file, bytes")).optional(),
    max_filesize_limit_mb: decimal(limited("Largest file, MiB")).optional(),
  })
  .meta({
    id: "Usage",
    description: "Counters of the account and limits of the key.",
    examples: [
      {
        client_name: "Studio North",
        usage_count: 812,
        storage_usage_gb: 20.25,
        storage_reserved_gb: 0.75,
        storage_effective_usage_gb: 21,
      },
    ],
  });

export const WebhookSecret = z
  .object({ webhook_signing_secret: text("`whsec_` and the base64 of 32 random bytes; one per account") })
  .meta({
    id: "WebhookSecret",
    description: "What webhooks are signed with.",
    examples: [{ webhook_signing_secret: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=" }],
  });

export const SlackSet = z
  .object({
    message: text("For a human"),
    configured: z.literal(true).describe("Always true"),
    notify_level: choice(["all", "errors_only", "warnings_only"], "Which failures are told"),
  })
  .meta({
    id: "SlackSet",
    description: "Failures go to Slack.",
    examples: [{ message: "Slack webhook configured successfully", configured: true, notify_level: "all" }],
  });

export const SlackRemoved = z
  .object({ message: text("For a human"), configured: z.literal(false).describe("Always false") })
  .meta({
    id: "SlackRemoved",
    description: "Nothing goes to Slack.",
    examples: [{ message: "Slack webhook removed", configured: false }],
  });
