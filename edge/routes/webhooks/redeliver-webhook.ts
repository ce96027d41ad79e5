import { Redelivered } from "../../../shared/contract/views/deliveries.ts";
import { isUuid } from "../../../shared/ids.ts";
import { AppError, starting } from "../../app-error.ts";
import type { Env } from "../../env.ts";
import { answer, refused } from "../../openapi/describe.ts";
import type { Endpoint } from "../endpoint.ts";

/** `POST /webhooks/{id}/redeliver` (jobs API 8.4): in any state, one try at once. */
export const redeliverWebhook: Endpoint = {
  operationId: "redeliver-webhook",
  method: "POST",
  path: "/webhooks/:id/redeliver",
  summary: "Send a webhook again",
  scope: "jobs:write",
  describe: {
    tag: "Webhooks",
    id: "Id of the delivery",
    details: "In any state: one try at once, with the stored bytes and the same `webhook-id`.",
    answers: [
      answer(200, "Queued.", Redelivered),
      refused(404, "Unknown id, another account's, or no UUID.", "Webhook not found"),
    ],
  },
  async handler(context) {
    const id = (context.req.param("id") ?? "").toLowerCase();
    const account = context.var.caller.account.id;
    // One courier an account: it cannot know another one's webhooks.
    const known = isUuid(id) && (await redeliver(context.env, account, id));
    if (!known) throw new AppError("not_found", "Webhook not found");
    return context.json({ id, status: "pending", message: "Webhook delivery queued" });
  },
};

async function redeliver(env: Env, account: string, id: string): Promise<boolean> {
  try {
    return await env.COURIER.getByName(account).redeliver(account, id);
  } catch {
    throw starting();
  }
}
