import { z } from "zod";
import { countCodePoints } from "../../../shared/code-points.ts";
import { SlackSet } from "../../../shared/contract/views/account.ts";
import { unavailable } from "../../app-error.ts";
import { secretBoxOf } from "../../auth/secret-box.ts";
import { NOTIFY_LEVELS, SLACK_URL_PREFIX } from "../../courier/slack.ts";
import { putSlack } from "../../db/endpoints.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";
import { parseBody, readJsonObject } from "../http.ts";

const SAVE_RETRY_SECONDS = 5;
const MAX_SLACK_URL_LENGTH = 2_048;

const SetSlackBody = z
  .object({
    webhook_url: z
      .string()
      .refine(
        (url) => url.startsWith(SLACK_URL_PREFIX) && URL.canParse(url) && countCodePoints(url) <= MAX_SLACK_URL_LENGTH,
        { error: `Slack webhook URL must start with ${SLACK_URL_PREFIX}` },
      )
      .describe(`Incoming webhook of Slack, below ${SLACK_URL_PREFIX}`),
    notify_level: z.enum(NOTIFY_LEVELS).default("all").describe("Which failures are told"),
  })
  .meta({
    id: "SetSlack",
    description: "Where and what to tell.",
    examples: [{ webhook_url: `${SLACK_URL_PREFIX}T0/B0/x`, notify_level: "all" }],
  });

/** `POST /user/slack` (jobs API 9.3): a second call replaces. */
export const setSlack: Endpoint = {
  operationId: "set-slack",
  method: "POST",
  path: "/user/slack",
  summary: "Send failures to Slack",
  scope: "storage:write",
  describe: {
    tag: "Account",
    details: "Red for `Failed`, orange for `Warning` and `Skipped`; successes are not told. A second call replaces.",
    body: { schema: SetSlackBody, required: true },
    answers: [
      answer(200, "Configured.", SlackSet),
      refused(
        400,
        "A bad field.",
        { error: "webhook_url is required", field: "webhook_url" },
        { error: "webhook_url must be a string", field: "webhook_url" },
        { error: `Slack webhook URL must start with ${SLACK_URL_PREFIX}`, field: "webhook_url" },
        { error: `notify_level must be one of: ${NOTIFY_LEVELS.join(", ")}`, field: "notify_level" },
      ),
      refused(503, "The secret store is down.", "Configuration could not be saved"),
    ],
  },
  async handler(context) {
    const body = parseBody(SetSlackBody, await readJsonObject(context.req.raw));
    const { account } = context.var.caller;
    const slack = { url: body.webhook_url, notifyLevel: body.notify_level };
    try {
      await putSlack(context.env.DB, secretBoxOf(context.env), account.id, slack, Date.now());
    } catch {
      throw unavailable("Configuration could not be saved", SAVE_RETRY_SECONDS);
    }
    return context.json({
      message: "Slack webhook configured successfully",
      configured: true,
      notify_level: body.notify_level,
    });
  },
};
