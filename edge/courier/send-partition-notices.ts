/** The courier's sink of a partition. */
import type { Env } from "../env.ts";
import type { EventRow } from "../partition/events.ts";
import type { Sql } from "../partition/sql.ts";
import { fileUrls } from "../routes/files/file-urls.ts";
import { filesOrigin } from "../routes/origin.ts";
import { partitionNotices } from "./partition-notices.ts";
import { sendNotices } from "./send-notices.ts";

/**
 * Hands what these events tell to the couriers of their accounts, in order. Throws when one did not take its part: the
 * flight is then repeated, and the couriers know what they have.
 */
export async function sendPartitionNotices(env: Env, sql: Sql, events: readonly EventRow[]): Promise<void> {
  const notices = await partitionNotices(
    // On the origin that the job was created by unless the operator names another.
    { sql, db: env.DB, sign: (job, media) => fileUrls(env, filesOrigin(env, job.origin))(media) },
    events,
  );
  await sendNotices(env.COURIER, notices);
}
