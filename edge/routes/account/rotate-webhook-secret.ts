import { WebhookSecret } from "../../../shared/contract/views/account.ts";
import { secretBoxOf } from "../../auth/secret-box.ts";
import { rotateWebhookSecret as rotate } from "../../db/webhook-secrets.ts";
import { answer } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";

/** `POST /user/webhook-secret/rotate` (jobs API 8.3): the old one is void at once, for tries that are still due too. */
export const rotateWebhookSecret: Endpoint = {
  operationId: "rotate-webhook-secret",
  method: "POST",
  path: "/user/webhook-secret/rotate",
  summary: "Replace the webhook signing secret",
  scope: "storage:write",
  describe: {
    tag: "Webhooks",
    answers: [answer(200, "The new secret; the old one is void.", WebhookSecret)],
  },
  async handler(context) {
    const secret = await rotate(context.env.DB, secretBoxOf(context.env), context.var.caller.account.id);
    return context.json({ webhook_signing_secret: secret });
  },
};
