import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { HostError } from "./host-error.ts";
import { errorText, type Log } from "./log.ts";

/** The part of D1's binding that migrations use. */
export type Database = {
  prepare(sql: string): Statement;
  batch(statements: Statement[]): Promise<unknown>;
};
type Statement = { bind(...values: unknown[]): Statement; all(): Promise<{ results: Record<string, unknown>[] }> };

/** Exactly wrangler's table, so that `wrangler d1 migrations list` tells the same story. */
const CREATE_TABLE = `CREATE TABLE IF NOT EXISTS "d1_migrations"(
		id         INTEGER PRIMARY KEY AUTOINCREMENT,
		name       TEXT UNIQUE,
		applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);`;

/**
 * Applies the migrations that a database lacks, in the order of their names, each in one transaction with its record:
 * a crash in between leaves it wholly applied or not at all. Answers the names that were applied.
 *
 * A file goes to D1 as one statement of a batch. The local engine runs every statement in it (a test holds that), which
 * spares us a splitter that understands triggers and quotes.
 *
 * @throws HostError `migration_failed`
 */
export async function migrate(database: Database, folder: string, log: Log): Promise<string[]> {
  await database.batch([database.prepare(CREATE_TABLE)]);
  const { results } = await database.prepare('SELECT name FROM "d1_migrations"').all();
  const applied = new Set(results.map((row) => row.name));
  const pending = (await migrationNames(folder)).filter((name) => !applied.has(name));
  for (const name of pending) {
    const sql = await readFile(join(folder, name), "utf8");
    try {
      await database.batch([
        database.prepare(sql),
        database.prepare('INSERT INTO "d1_migrations" (name) VALUES (?)').bind(name),
      ]);
    } catch (error) {
      throw new HostError("migration_failed", `migration ${name} failed: ${errorText(error)}`, { cause: error });
    }
    log.info("migration.applied", { name });
  }
  return pending;
}

async function migrationNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    throw new HostError("migration_failed", `no migrations in ${folder}: ${errorText(error)}`, { cause: error });
  });
  return names.filter((name) => name.endsWith(".sql")).sort();
}
