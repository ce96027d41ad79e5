/** Where sealed records stand in a partition. All of them are copies or come to D1 sooner or later. */
import { FILE_URL_PURPOSE } from "../auth/file-url-secrets.ts";
import { JOB_SECRETS_PURPOSE } from "../auth/job-secrets.ts";
import { TARGET_PURPOSE } from "../db/targets.ts";
import type { ObjectColumn } from "../seals/object-tables.ts";

/** Each select goes by primary key; an account's target is found by job_target(target_id), and uploads are few. */
export const PARTITION_SEALS: readonly ObjectColumn[] = [
  {
    name: "accounts.storage",
    purpose: TARGET_PURPOSE,
    select: `SELECT id, id AS account, json_extract(storage, '$.sealed') AS sealed FROM accounts WHERE id > ? ORDER BY id LIMIT ?`,
    swap: `UPDATE accounts SET storage = json_set(storage, '$.sealed', ?1) WHERE id = ?2 AND json_extract(storage, '$.sealed') = ?3`,
  },
  {
    name: "targets.sealed",
    purpose: TARGET_PURPOSE,
    select: `SELECT id, sealed, coalesce(
        (SELECT account_id FROM jobs WHERE target_id = targets.id AND target_id <> 'managed' LIMIT 1),
        (SELECT account_id FROM uploads WHERE target_id = targets.id LIMIT 1)) AS account
      FROM targets WHERE id > ? ORDER BY id LIMIT ?`,
    swap: "UPDATE targets SET sealed = ?1 WHERE id = ?2 AND sealed = ?3",
  },
  {
    name: "jobs.sealed",
    purpose: JOB_SECRETS_PURPOSE,
    select: "SELECT id, account_id AS account, sealed FROM jobs WHERE id > ? ORDER BY id LIMIT ?",
    swap: "UPDATE jobs SET sealed = ?1 WHERE id = ?2 AND sealed = ?3",
  },
  {
    name: "uploads.sealed",
    purpose: JOB_SECRETS_PURPOSE,
    select:
      "SELECT upload_id AS id, account_id AS account, sealed FROM uploads WHERE upload_id > ? ORDER BY upload_id LIMIT ?",
    swap: "UPDATE uploads SET sealed = ?1 WHERE upload_id = ?2 AND sealed = ?3",
  },
  {
    name: "files.sealed_url",
    purpose: FILE_URL_PURPOSE,
    select:
      "SELECT file_id AS id, account_id AS account, sealed_url AS sealed FROM files WHERE file_id > ? ORDER BY file_id LIMIT ?",
    swap: "UPDATE files SET sealed_url = ?1 WHERE file_id = ?2 AND sealed_url = ?3",
  },
];
