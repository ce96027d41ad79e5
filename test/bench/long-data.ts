/**
 * Ready jobs of many accounts in the data folder of a stack that is down, by SQL: D1 and the partition get copies of the one
 * account and the one job that the stack made itself. A million creates over HTTP would take half an hour, and measure
 * nothing that is asked here.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type NodeSql, nodeSql } from "../partition/node-sql.ts";

export interface DataWish {
  accounts: number;
  /** Ready ones of each account. */
  jobs: number;
}

/** The one database of a class of objects. */
function open(root: string, ...path: string[]): NodeSql {
  const folder = join(root, "data", "state", ...path);
  const [file, second] = readdirSync(folder).filter((name) => /^[0-9a-f]+\.sqlite$/.test(name));
  if (file === undefined || second !== undefined) throw new Error(`${folder} holds not one database`);
  const sql = nodeSql(join(folder, file));
  sql.database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000");
  return sql;
}

/** The columns of a table that can be written, and for some of them another value than the row's own. */
function copyOf(sql: NodeSql, table: string, other: Record<string, string>): [names: string, values: string] {
  const names = sql.all<{ name: string }>("SELECT name FROM pragma_table_info(?)", table).map(({ name }) => name);
  return [names.join(", "), names.map((name) => other[name] ?? `o.${name}`).join(", ")];
}

const NUMBERS = "WITH RECURSIVE n (value) AS (SELECT ?1 UNION ALL SELECT value + 1 FROM n WHERE value < ?2)";
/** UUIDs again: the edge takes nothing else. */
const NEXT_ID = "substr(o.id, 1, 24) || printf('%012x', n.value)";

/** Adds accounts and jobs until there are so many. @param sql D1's or the partition's; both have these tables. */
function grow(sql: NodeSql, { accounts, jobs }: DataWish): void {
  const [accountNames, accountValues] = copyOf(sql, "accounts", { id: NEXT_ID, name: "'bench-' || n.value" });
  sql.run(
    `INSERT INTO accounts (${accountNames}) ${NUMBERS} SELECT ${accountValues} FROM (SELECT * FROM accounts LIMIT 1) o, n`,
    1,
    accounts - 1,
  );
  // Account by account, so that no statement holds a million rows; the first one has a job already.
  const ids = sql.all<{ id: string }>("SELECT id FROM accounts ORDER BY id");
  const own = sql.get<{ account_id: string; id: string }>("SELECT account_id, id FROM jobs");
  if (own === undefined) throw new Error("the stack has made no job");
  const [jobNames, jobValues] = copyOf(sql, "jobs", {
    id: NEXT_ID,
    account_id: "?3",
    queued_at: "o.queued_at + n.value",
    created_at: "o.created_at + n.value",
  });
  const copy = `INSERT INTO jobs (${jobNames}) ${NUMBERS} SELECT ${jobValues} FROM jobs o, n WHERE o.id = ?4`;
  for (const [index, { id }] of ids.entries()) {
    const first = 1 + index * jobs;
    const count = id === own.account_id ? jobs - 1 : jobs;
    if (count > 0) sql.transaction(() => sql.run(copy, first, first + count - 1, id, own.id));
  }
}

/** As if all nodes had been heard last at one moment, under a TTL as short as that of the next start. */
export function shortenLeases(root: string, ttlMs: number): void {
  const partition = open(root, "do", "trawl-Partition");
  partition.run("UPDATE sessions SET lease_until = (SELECT max(last_seen) FROM sessions) + ?", ttlMs);
  partition.close();
}

/** @param root of a stack that was stopped, and has one account and one job. */
export function growData(root: string, wish: DataWish): void {
  const d1 = open(root, "d1", "miniflare-D1DatabaseObject");
  grow(d1, wish);
  d1.close();
  const partition = open(root, "do", "trawl-Partition");
  grow(partition, wish);
  partition.run("UPDATE accounts SET ready = ?1, pending = ?1, usage_count = ?1", wish.jobs);
  partition.close();
}
