/** What D1 keeps and no route tells, read from the database file. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { eventually } from "./eventually.ts";
import type { Stack } from "./stack.ts";

export interface AttemptRecord {
  attempt: number;
  node: string;
  /** `completed`, `released`, `cancelled`, or the failure class. */
  outcome: string | null;
}

/** Rows of D1 as they stand in its file. */
export async function readD1<Row>(stack: Stack, query: string, ...values: string[]): Promise<Row[]> {
  const folder = join(stack.data, "state", "d1", "miniflare-D1DatabaseObject");
  const name = (await readdir(folder)).find((each) => /^[0-9a-f]{64}\.sqlite$/.test(each));
  if (name === undefined) throw new Error(`no database in ${folder}`);
  const database = new DatabaseSync(join(folder, name), { readOnly: true });
  try {
    return database
      .prepare(query)
      .all(...values)
      .map((row) => ({ ...row }) as Row);
  } finally {
    database.close();
  }
}

/** All confirmed hand-outs of a job, oldest first, once each of them has an outcome. */
export async function attemptsOf(stack: Stack, job: string): Promise<AttemptRecord[]> {
  let rows: AttemptRecord[] = [];
  return eventually(
    async () => {
      rows = await readD1(
        stack,
        "SELECT attempt, node, outcome FROM attempts WHERE job_id = ? ORDER BY epoch, attempt",
        job,
      );
      return rows.length > 0 && rows.every((row) => row.outcome !== null) && rows;
    },
    () => `an outcome of each attempt: ${JSON.stringify(rows)}`,
  );
}
