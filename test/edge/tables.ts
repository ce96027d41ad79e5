/** Every row that the edge keeps: of D1, and of the partition. For tests that say what must not change. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { PARTITION } from "./fleet-node.ts";

const USER_TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\' ORDER BY name";

/** Each row as text, with the table that it stands in. */
export async function allRows(): Promise<string[]> {
  return [...(await databaseRows()), ...(await partitionRows())];
}

/** The rows that name any of these. */
export async function rowsNaming(...texts: readonly string[]): Promise<string[]> {
  return (await allRows()).filter((row) => texts.some((text) => row.includes(text)));
}

/** SHA-256 over all rows, once the work that goes on behind an answer has come to rest. */
export async function settledHash(): Promise<string> {
  let before = "";
  for (;;) {
    const now = await hash(await allRows());
    if (now === before) return now;
    before = now;
  }
}

async function databaseRows(): Promise<string[]> {
  const { results } = await env.DB.prepare(USER_TABLES).all<{ name: string }>();
  const tables = await env.DB.batch(results.map(({ name }) => env.DB.prepare(`SELECT * FROM "${name}"`)));
  return tables.flatMap((table, index) =>
    table.results.map((row) => `d1.${results[index]?.name} ${JSON.stringify(row)}`),
  );
}

function partitionRows(): Promise<string[]> {
  return runInDurableObject(env.PARTITION.getByName(PARTITION), (_, { storage }) =>
    storage.sql
      .exec<{ name: string }>(USER_TABLES)
      .toArray()
      .flatMap(({ name }) =>
        storage.sql
          .exec(`SELECT * FROM "${name}"`)
          .toArray()
          .map((row) => `partition.${name} ${JSON.stringify(row)}`),
      ),
  );
}

async function hash(rows: readonly string[]): Promise<string> {
  const bytes = new TextEncoder().encode(rows.join("\n"));
  return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
