/** Sealed records in D1: where they stand, and how many were found under which key. */
import { FILE_URL_PURPOSE } from "../auth/file-url-secrets.ts";
import { JOB_SECRETS_PURPOSE } from "../auth/job-secrets.ts";
import type { SecretBox } from "../auth/secret-box.ts";
import { planMoves, type SealedRecord, type SealPage } from "../seals/plan.ts";
import { DELIVERY_BODY_PURPOSE, DELIVERY_URL_PURPOSE } from "./deliveries.ts";
import { ENDPOINT_URL_PURPOSE } from "./endpoints.ts";
import { FEATURE_PURPOSE } from "./features.ts";
import { ITEM_PURPOSE } from "./items.ts";
import { TARGET_PURPOSE } from "./targets.ts";
import { WEBHOOK_SECRET_PURPOSE } from "./webhook-secrets.ts";

/** Records of one page; a webhook's body is a few KB. */
const PAGE_ROWS = 500;
/** Updates of one batch. */
const BATCH_ROWS = 100;

interface DatabaseColumn {
  table: string;
  key: string;
  column: string;
  purpose: string;
  /** SQL of the account. Defaults to the table's `account_id`. */
  account?: string;
  /** Where few rows have a record: the partial index that has those. */
  index?: string;
  /** Keys are numbers. */
  byNumber?: true;
}

/** What accounts have set: D1's own. */
export const SETTINGS_SEALS: readonly DatabaseColumn[] = [
  { table: "accounts", key: "id", column: "webhook_secret", purpose: WEBHOOK_SECRET_PURPOSE, account: "id" },
  {
    ...{ table: "target_credentials", key: "target_id", column: "sealed", purpose: TARGET_PURPOSE },
    account: "(SELECT account_id FROM targets WHERE id = target_id)",
  },
  { table: "endpoints", key: "id", column: "sealed_url", purpose: ENDPOINT_URL_PURPOSE },
  { table: "library_items", key: "job_id", column: "sealed", purpose: ITEM_PURPOSE },
  { table: "library_features", key: "record", column: "sealed", purpose: FEATURE_PURPOSE, byNumber: true },
];

/** What partitions and couriers write here: after theirs, or an old copy would come back at once. */
export const WORK_SEALS: readonly DatabaseColumn[] = [
  { table: "jobs", key: "id", column: "sealed", purpose: JOB_SECRETS_PURPOSE, index: "jobs_sealed" },
  { table: "files", key: "file_id", column: "sealed_url", purpose: FILE_URL_PURPOSE, index: "files_sealed" },
  { table: "deliveries", key: "id", column: "sealed_url", purpose: DELIVERY_URL_PURPOSE },
  { table: "deliveries", key: "id", column: "sealed_body", purpose: DELIVERY_BODY_PURPOSE },
];

/** The page of a column that begins after this key. */
export async function resealColumn(
  db: D1Database,
  box: SecretBox,
  { table, key, column, purpose, account = "account_id", index, byNumber }: DatabaseColumn,
  after: string,
): Promise<SealPage> {
  const from = index === undefined ? table : `${table} INDEXED BY ${index}`;
  const { results } = await db
    .prepare(
      `SELECT ${key} AS id, ${account} AS account, ${column} AS sealed FROM ${from}
       WHERE ${column} IS NOT NULL AND ${key} > ? ORDER BY ${key} LIMIT ${PAGE_ROWS}`,
    )
    .bind(byNumber ? Number(after) : after)
    .all<SealedRecord>();
  const { found, moves } = await planMoves(box, purpose, results);
  const swap = db.prepare(`UPDATE ${table} SET ${column} = ?1 WHERE ${key} = ?2 AND ${column} = ?3`);
  for (let at = 0; at < moves.length; at += BATCH_ROWS) {
    await db.batch(moves.slice(at, at + BATCH_ROWS).map((move) => swap.bind(move.new, move.id, move.old)));
  }
  const last = results.length < PAGE_ROWS ? undefined : results.at(-1);
  return { found, moved: moves.length, next: last === undefined ? null : String(last.id) };
}

/** The account after this one, whatever its state. By primary key. */
export async function accountAfter(db: D1Database, id: string): Promise<string | null> {
  return db.prepare("SELECT id FROM accounts WHERE id > ? ORDER BY id LIMIT 1").bind(id).first<string>("id");
}

/** Adds to what this round has found. */
export async function countSealed(db: D1Database, found: Record<string, number>): Promise<void> {
  await db
    .prepare(
      `INSERT INTO sealed_records (kek, counting) SELECT key, value FROM json_each(?) WHERE true
       ON CONFLICT (kek) DO UPDATE SET counting = counting + excluded.counting`,
    )
    .bind(JSON.stringify(found))
    .run();
}

/** A round that has missed something says nothing. */
export async function dropSealedCount(db: D1Database): Promise<void> {
  await db.prepare("UPDATE sealed_records SET counting = 0").run();
}

/** What the round has found is what holds; returns it by key. A key of `keks` without a record is there with none. */
export async function closeSealedCount(
  db: D1Database,
  keks: readonly string[],
  now: number,
): Promise<Record<string, number>> {
  const configured = JSON.stringify(keks);
  await db.batch([
    db
      .prepare("INSERT INTO sealed_records (kek) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING")
      .bind(configured),
    db.prepare("UPDATE sealed_records SET records = counting, counting = 0, counted_at = ?").bind(now),
    db
      .prepare("DELETE FROM sealed_records WHERE records = 0 AND kek NOT IN (SELECT value FROM json_each(?))")
      .bind(configured),
  ]);
  return Object.fromEntries((await sealedCounts(db)).map(({ kek, records }) => [kek, records]));
}

/** As the last whole round found them; empty before the first. */
export async function sealedCounts(db: D1Database): Promise<{ kek: string; records: number }[]> {
  const { results } = await db
    .prepare("SELECT kek, records FROM sealed_records WHERE counted_at IS NOT NULL ORDER BY kek")
    .all<{ kek: string; records: number }>();
  return results;
}
