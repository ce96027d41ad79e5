/** What the first migration has already (DESIGN section 11), and that partition and D1 agree on a job's columns. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { DRAINED_COLUMNS } from "../../../edge/partition/job-row.ts";
import { PARTITION } from "../fleet-node.ts";
import { newAccount } from "../support.ts";

const TABLES: Record<string, string[]> = {
  accounts: ["id", "name", "partition", "pool", "db", "state", "limits", "store_prefix", "created_at"],
  api_keys: ["id", "account_id", "hash", "prefix", "last4", "scopes", "limits", "expires_at", "revoked_at"],
  enrolments: ["id", "hash", "uses_left", "expires_at", "tags", "account_id"],
  nodes: ["id", "name", "public_key", "session", "tags", "country", "account_id", "revoked_at"],
  partitions: ["name", "epoch", "claimed_at"],
  targets: ["id"],
  jobs: [
    ...["surface", "key_id", "batch_index", "metadata", "source_id", "traceparent", "hidden_at", "not_before"],
    ...["terminal_event_id", "origin", "version", "sealed", "idempotency_key", "idempotency_fingerprint", "reserved"],
  ],
  files: ["file_id", "path", "store_key", "target_id", "sha256", "deleted_at"],
  attempts: ["job_id", "attempt", "node", "began", "ended", "outcome", "error"],
  batches: ["id", "account_id", "kind", "status", "version", "total", "completed", "failed", "skipped"],
  deliveries: ["id", "account_id", "job_id", "type", "status", "attempts", "sealed_body"],
  usage: ["account_id", "version", "usage_count", "bytes_used", "bytes_reserved"],
};

interface Column {
  name: string;
  notnull: number;
  dflt_value: string | null;
  pk: number;
}

async function columnsOf(table: string): Promise<Column[]> {
  const { results } = await env.DB.prepare("SELECT * FROM pragma_table_info(?)").bind(table).all<Column>();
  return results;
}

describe("the first migration", () => {
  it("is the one that has them", () => {
    const [first] = env.TEST_MIGRATIONS;
    for (const table of Object.keys(TABLES)) {
      expect(first?.queries.some((query) => query.includes(`CREATE TABLE ${table} (`))).toBe(true);
    }
  });

  it.each(Object.entries(TABLES))("has the table %s with %j", async (table, columns) => {
    const names = (await columnsOf(table)).map((column) => column.name);
    expect(names).toEqual(expect.arrayContaining(columns));
  });

  it("knows what an account may be: pool, state, db", async () => {
    const insert = (pool: string, state: string) =>
      env.DB.prepare(
        "INSERT INTO accounts (id, name, partition, pool, state, store_prefix, created_at) VALUES (?, 'a', 'p', ?, ?, '', 1)",
      )
        .bind(crypto.randomUUID(), pool, state)
        .run();
    for (const pool of ["own", "own_first", "shared"]) await insert(pool, "active");
    await insert("own", "deleting");
    await expect(insert("all", "active")).rejects.toThrow(/CHECK/);
    await expect(insert("own", "gone")).rejects.toThrow(/CHECK/);
    const { results } = await env.DB.prepare("SELECT DISTINCT db FROM accounts").all();
    expect(results).toEqual([{ db: 0 }]);
  });

  it("keeps secrets unique and only as hashes: no column is named for a key in clear", async () => {
    for (const table of ["api_keys", "enrolments"]) {
      const names = (await columnsOf(table)).map((column) => column.name);
      expect(names).toContain("hash");
      expect(names.filter((name) => ["key", "token", "secret"].includes(name))).toEqual([]);
    }
  });

  it.each([
    ["SELECT id FROM jobs WHERE account_id = 'a' AND id < 'x' ORDER BY id DESC LIMIT 20", "jobs_account"],
    [
      "SELECT id FROM jobs WHERE account_id = 'a' AND status = 'Failed' ORDER BY id DESC LIMIT 20",
      "jobs_account_status",
    ],
    [
      "SELECT id FROM jobs INDEXED BY jobs_live WHERE account_id = 'a' AND finished_at IS NULL AND id > '' ORDER BY id LIMIT 500",
      "jobs_live",
    ],
    [
      "SELECT * FROM files WHERE account_id = 'a' AND path > '' AND deleted_at IS NULL ORDER BY path LIMIT 500",
      "files_account_path",
    ],
    ["SELECT * FROM files WHERE job_id = 'a'", "files_job"],
    ["SELECT * FROM api_keys WHERE hash = 'a'", "sqlite_autoindex_api_keys"],
    ["SELECT * FROM nodes WHERE public_key = 'a'", "sqlite_autoindex_nodes"],
  ])("answers %s from %s, not by a scan", async (query, index) => {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${query}`).all<{ detail: string }>();
    const plan = results.map((row) => row.detail).join("; ");
    expect(plan).toMatch(new RegExp(`USING (COVERING )?INDEX ${index}`));
    expect(plan).not.toMatch(/^SCAN|; SCAN/);
  });
});

describe("a job's row", () => {
  it("has every drained column in D1 and in the partition, with the same name", async () => {
    const d1 = (await columnsOf("jobs")).map((column) => column.name);
    expect(d1).toEqual(expect.arrayContaining([...DRAINED_COLUMNS]));
    const account = await newAccount();
    await account.createJob();
    const stub = env.PARTITION.getByName(PARTITION);
    const own = await runInDurableObject(stub, (_, state) =>
      state.storage.sql
        .exec<{ name: string }>("SELECT name FROM pragma_table_info('jobs')")
        .toArray()
        .map((column) => column.name),
    );
    expect(own).toEqual(expect.arrayContaining([...DRAINED_COLUMNS]));
    expect(new Set(DRAINED_COLUMNS).size).toBe(DRAINED_COLUMNS.length);
  });

  it("arrives in D1 as the partition has it", async () => {
    const account = await newAccount();
    const id = await account.createJob({ folder: "talks", metadata: { a: 1 }, tags: ["a=b"], priority: 3 });
    const columns = DRAINED_COLUMNS.join(", ");
    const stub = env.PARTITION.getByName(PARTITION);
    const own = await runInDurableObject(stub, (_, state) =>
      state.storage.sql.exec(`SELECT ${columns} FROM jobs WHERE id = ?`, id).one(),
    );
    expect(await env.DB.prepare(`SELECT ${columns} FROM jobs WHERE id = ?`).bind(id).first()).toEqual(own);
  });

  it("needs nothing in D1 that a drain does not bring", async () => {
    const needed = (await columnsOf("jobs")).filter((column) => column.notnull === 1 && column.dflt_value === null);
    for (const column of needed) expect(DRAINED_COLUMNS).toContain(column.name);
  });
});
