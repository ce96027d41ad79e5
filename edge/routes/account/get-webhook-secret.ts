import { WebhookSecret } from "../../../shared/contract/views/account.ts";
import { secretBoxOf } from "../../auth/secret-box.ts";
import { webhookSecretOf } from "../../db/webhook-secrets.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";

/** `GET /user/webhook-secret` (jobs API 8.3). */
export const getWebhookSecret: Endpoint = {
  operationId: "get-webhook-secret",
  method: "GET",
  path: "/user/webhook-secret",
  summary: "Read the webhook signing secret, made on the first call",
  scope: "storage:write",
  describe: {
    tag: "Webhooks",
    answers: [answer(200, "The secret.", WebhookSecret)],
  },
  async handler(context) {
    const secret = await webhookSecretOf(context.env.DB, secretBoxOf(context.env), context.var.caller.account.id);
    return context.json({ webhook_signing_secret: secret });
  },
};
