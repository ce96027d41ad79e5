import type { UrlPolicy } from "../../shared/url-guard.ts";
import type { SecretBox } from "../auth/secret-box.ts";
import { DELIVERY_BODY_PURPOSE, DELIVERY_URL_PURPOSE } from "../db/deliveries.ts";
import { findSlack } from "../db/endpoints.ts";
import { webhookSecretOf } from "../db/webhook-secrets.ts";
import type { Delivery } from "./outbox.ts";
import { post } from "./post.ts";
import type { TryOutcome } from "./record-try.ts";
import { signatureHeaders } from "./sign.ts";
import { wantsSlack } from "./slack.ts";

export interface TryDeps {
  db: D1Database;
  box: SecretBox;
  account: string;
  policy: UrlPolicy;
  timeoutMs: number;
  now(): number;
}

/**
 * One try: the same bytes as ever, signed now with the secret in force now. Throws when D1 or the secret box fails, which
 * is no try at all.
 */
export async function tryDelivery(delivery: Delivery, deps: TryDeps): Promise<TryOutcome> {
  const { account, box } = deps;
  if (delivery.sealed_body === null) return { kind: "dropped" };
  const body = await box.open(delivery.sealed_body, { account, purpose: DELIVERY_BODY_PURPOSE });
  return delivery.channel === "slack" ? trySlack(delivery, body, deps) : tryWebhook(delivery, body, deps);
}

async function tryWebhook(delivery: Delivery, body: string, deps: TryDeps): Promise<TryOutcome> {
  const { account, box, db } = deps;
  if (delivery.sealed_url === null) return { kind: "dropped" };
  const url = await box.open(delivery.sealed_url, { account, purpose: DELIVERY_URL_PURPOSE });
  const secret = await webhookSecretOf(db, box, account);
  // The account is gone.
  if (secret === null) return { kind: "dropped" };
  const timestamp = Math.floor(deps.now() / 1000);
  return post({ url, headers: await signatureHeaders({ secret, id: delivery.id, timestamp, body }), body }, deps);
}

async function trySlack(delivery: Delivery, body: string, deps: TryDeps): Promise<TryOutcome> {
  const slack = await findSlack(deps.db, deps.box, deps.account);
  if (slack === null || !wantsSlack(slack.notifyLevel, delivery.type)) return { kind: "dropped" };
  return post({ url: slack.url, headers: {}, body }, deps);
}
