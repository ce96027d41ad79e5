/** Where an account wants to hear of things besides its jobs' own `webhook_url`: today its Slack (jobs API 9.3). */
import { uuidv7 } from "../../shared/ids.ts";
import type { SecretBox } from "../auth/secret-box.ts";
import type { NotifyLevel } from "../courier/slack.ts";

export const ENDPOINT_URL_PURPOSE = "endpoint-url";

export interface SlackEndpoint {
  url: string;
  notifyLevel: NotifyLevel;
}

/** A second call replaces. Uses the unique index endpoints_slack(account_id). */
export async function putSlack(
  db: D1Database,
  box: SecretBox,
  account: string,
  slack: SlackEndpoint,
  now: number,
): Promise<void> {
  const sealed = await box.seal(slack.url, { account, purpose: ENDPOINT_URL_PURPOSE });
  await db
    .prepare(
      `INSERT INTO endpoints (id, account_id, kind, sealed_url, filter, created_at, updated_at)
       VALUES (?1, ?2, 'slack', ?3, ?4, ?5, ?5)
       ON CONFLICT (account_id) WHERE kind = 'slack'
       DO UPDATE SET sealed_url = excluded.sealed_url, filter = excluded.filter, updated_at = excluded.updated_at`,
    )
    .bind(
      uuidv7(now, crypto.getRandomValues(new Uint8Array(10))),
      account,
      sealed,
      JSON.stringify({ notify_level: slack.notifyLevel }),
      now,
    )
    .run();
}

/** False when there was none. */
export async function removeSlack(db: D1Database, account: string): Promise<boolean> {
  const { results } = await db
    .prepare("DELETE FROM endpoints WHERE account_id = ? AND kind = 'slack' RETURNING id")
    .bind(account)
    .all();
  return results.length > 0;
}

export async function findSlack(db: D1Database, box: SecretBox, account: string): Promise<SlackEndpoint | null> {
  const row = await db
    .prepare("SELECT sealed_url, filter FROM endpoints WHERE account_id = ? AND kind = 'slack'")
    .bind(account)
    .first<{ sealed_url: string; filter: string }>();
  if (row === null) return null;
  const { notify_level } = JSON.parse(row.filter) as { notify_level: NotifyLevel };
  return { url: await box.open(row.sealed_url, { account, purpose: ENDPOINT_URL_PURPOSE }), notifyLevel: notify_level };
}
