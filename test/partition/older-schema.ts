/**
 * A database as an older version of the schema would hold it: made by the migrations up to that version, and filled with
 * the rows of today, less the columns and tables that it did not know. No binary to commit, and never out of date.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "../../edge/partition/schema.ts";

const FOLDER = join(import.meta.dirname, "../../migrations");

/** The names of D1's migrations, in order. */
export const D1_MIGRATIONS: readonly string[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".sql"))
  .sort();

export function scriptOf(migration: string): string {
  return readFileSync(join(FOLDER, migration), "utf8");
}

/** Versions of a partition's storage before today's. */
export const OLDER_PARTITIONS: readonly number[] = MIGRATIONS.slice(1).map((_, index) => index + 1);

export function olderPartition(database: DatabaseSync, version: number): void {
  rewrite(database, MIGRATIONS.slice(0, version));
  database.prepare("UPDATE meta SET value = ? WHERE key = 'schema_version'").run(String(version));
}

/** With wrangler's record of them, where the database has one. */
export function olderD1(database: DatabaseSync, migrations: readonly string[]): void {
  rewrite(database, migrations.map(scriptOf));
  const isRecorded = names(database).includes("d1_migrations");
  if (!isRecorded) return;
  const known = JSON.stringify(migrations);
  database.prepare("DELETE FROM d1_migrations WHERE name NOT IN (SELECT value FROM json_each(?))").run(known);
}

function names(database: DatabaseSync): string[] {
  return (database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[]).map(
    ({ name }) => name,
  );
}

/** The platform's own tables stay as they are. */
function ours(database: DatabaseSync): string[] {
  return names(database).filter((name) => !/^(_cf_|sqlite_|d1_)/.test(name));
}

function rewrite(database: DatabaseSync, scripts: readonly string[]): void {
  type Row = Record<string, string | number | null>;
  const kept = ours(database).map(
    (table) => [table, database.prepare(`SELECT * FROM "${table}"`).all() as Row[]] as const,
  );
  database.exec("PRAGMA foreign_keys = OFF");
  for (const [table] of kept) database.exec(`DROP TABLE "${table}"`);
  for (const script of scripts) database.exec(script);
  const known = new Set(ours(database));
  for (const [table, rows] of kept) {
    if (!known.has(table)) continue;
    const info = database.prepare(`PRAGMA table_info("${table}")`).all() as { name: string }[];
    const columns = info.map(({ name }) => name);
    const insert = database.prepare(
      `INSERT OR REPLACE INTO "${table}" (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    for (const row of rows) insert.run(...columns.map((column) => row[column] ?? null));
  }
}
