/** An account's signing secret (jobs API 8.3): one at a time, sealed in its row. */
import type { SecretBox } from "../auth/secret-box.ts";
import { newWebhookSecret } from "../courier/sign.ts";

export const WEBHOOK_SECRET_PURPOSE = "webhook-secret";

/** The secret in force, made on the first call. Null: there is no such account. */
export async function webhookSecretOf(db: D1Database, box: SecretBox, account: string): Promise<string | null> {
  const known = await readSealed(db, account);
  if (known === null) return null;
  if (known.webhook_secret !== null)
    return box.open(known.webhook_secret, { account, purpose: WEBHOOK_SECRET_PURPOSE });
  const sealed = await box.seal(newWebhookSecret(), { account, purpose: WEBHOOK_SECRET_PURPOSE });
  // Of two first calls one wins, and both answer what is stored.
  await db
    .prepare("UPDATE accounts SET webhook_secret = ? WHERE id = ? AND webhook_secret IS NULL")
    .bind(sealed, account)
    .run();
  const stored = (await readSealed(db, account))?.webhook_secret ?? null;
  return stored === null ? null : box.open(stored, { account, purpose: WEBHOOK_SECRET_PURPOSE });
}

/** Puts a new secret in place of the old one, which signs nothing from now on. */
export async function rotateWebhookSecret(db: D1Database, box: SecretBox, account: string): Promise<string> {
  const secret = newWebhookSecret();
  const sealed = await box.seal(secret, { account, purpose: WEBHOOK_SECRET_PURPOSE });
  await db.prepare("UPDATE accounts SET webhook_secret = ? WHERE id = ?").bind(sealed, account).run();
  return secret;
}

async function readSealed(db: D1Database, account: string): Promise<{ webhook_secret: string | null } | null> {
  return db
    .prepare("SELECT webhook_secret FROM accounts WHERE id = ? AND state = 'active'")
    .bind(account)
    .first<{ webhook_secret: string | null }>();
}
