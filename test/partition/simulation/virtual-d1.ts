/** D1 as the partition sees it: the real migrations and statements on `node:sqlite`, and faults at a named statement. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Database, Statement } from "../../../edge/db/database.ts";
import type { BatchRow } from "../../../edge/partition/batches.ts";
import type { AccountFacts } from "../../../edge/partition/create.ts";
import type { FileRow, UsageRow } from "../../../edge/partition/drain.ts";
import type { JobRow } from "../../../edge/partition/job-row.ts";
import type { SqlValue } from "../../../edge/partition/sql.ts";
import { type NodeSql, nodeSql } from "../node-sql.ts";
import { keyOf } from "./tenants.ts";

const FOLDER = join(import.meta.dirname, "../../../migrations");
const MIGRATIONS = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".sql"))
  .sort()
  .map((name) => readFileSync(join(FOLDER, name), "utf8"));

class BoundStatement implements Statement {
  readonly #d1: VirtualD1;
  readonly query: string;
  readonly values: SqlValue[];

  constructor(d1: VirtualD1, query: string, values: SqlValue[]) {
    this.#d1 = d1;
    this.query = query;
    this.values = values;
  }

  bind(...values: SqlValue[]): Statement {
    return new BoundStatement(this.#d1, this.query, values);
  }

  async first<Row>(): Promise<Row | null> {
    await this.#d1.beforeStatement();
    this.#d1.count();
    return this.#d1.sql.get<Row>(this.query, ...this.values) ?? null;
  }

  async all<Row>(): Promise<{ results: Row[] }> {
    await this.#d1.beforeStatement();
    this.#d1.count();
    return { results: this.#d1.sql.all<Row>(this.query, ...this.values) };
  }
}

export class VirtualD1 implements Database {
  readonly sql: NodeSql = nodeSql();
  /** Statements that still work; then each one throws. */
  statementsLeft = Number.POSITIVE_INFINITY;
  /** What else reaches D1 between two statements of a birth. */
  beforeStatement: () => Promise<void> = async () => {};

  constructor(partition: string, accounts: readonly AccountFacts[]) {
    for (const script of MIGRATIONS) this.sql.database.exec(script);
    for (const account of accounts) {
      this.sql.run(
        "INSERT INTO accounts (id, name, partition, pool, limits, store_prefix, created_at) VALUES (?, ?, ?, ?, ?, ?, 0)",
        account.id,
        account.id,
        partition,
        account.pool,
        account.limits,
        account.store_prefix,
      );
      const key = keyOf(account);
      this.sql.run(
        "INSERT INTO api_keys (id, account_id, hash, prefix, last4, scopes, limits, created_at) VALUES (?1, ?2, ?1, '', '', '[]', ?3, 0)",
        key.id,
        account.id,
        JSON.stringify(key.limits),
      );
    }
  }

  count(): void {
    if (this.statementsLeft-- <= 0) throw new Error("D1 is away");
  }

  prepare(query: string): Statement {
    return new BoundStatement(this, query, []);
  }

  async batch(statements: Statement[]): Promise<void> {
    this.sql.transaction(() => {
      for (const statement of statements as BoundStatement[]) this.sql.run(statement.query, ...statement.values);
    });
  }

  jobs(): JobRow[] {
    return this.sql.all<JobRow>("SELECT * FROM jobs ORDER BY id");
  }

  job(id: string): JobRow | undefined {
    return this.sql.get<JobRow>("SELECT * FROM jobs WHERE id = ?", id);
  }

  files(): FileRow[] {
    return this.sql.all<FileRow>("SELECT * FROM files WHERE deleted_at IS NULL ORDER BY file_id");
  }

  /** The generation that has claimed the partition last. */
  epoch(): number {
    return this.sql.get<{ epoch: number }>("SELECT epoch FROM partitions")?.epoch ?? 0;
  }

  batches(): BatchRow[] {
    return this.sql.all<BatchRow>("SELECT * FROM batches ORDER BY id");
  }

  usage(): UsageRow[] {
    return this.sql.all<UsageRow>("SELECT * FROM usage ORDER BY account_id");
  }
}
