/** What D1 keeps of a job's hand-outs, read from the database file: no route tells it yet. */
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

/** All confirmed hand-outs of a job, oldest first, once each of them has an outcome. */
export async function attemptsOf(stack: Stack, job: string): Promise<AttemptRecord[]> {
  const folder = join(stack.data, "state", "d1", "miniflare-D1DatabaseObject");
  const name = (await readdir(folder)).find((each) => /^[0-9a-f]{64}\.sqlite$/.test(each));
  if (name === undefined) throw new Error(`no database in ${folder}`);
  const read = (): AttemptRecord[] => {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    try {
      const rows = database
        .prepare("SELECT attempt, node, outcome FROM attempts WHERE job_id = ? ORDER BY epoch, attempt")
        .all(job);
      return rows.map((row) => ({ ...row }) as unknown as AttemptRecord);
    } finally {
      database.close();
    }
  };
  return eventually(
    () => {
      const rows = read();
      return rows.length > 0 && rows.every((row) => row.outcome !== null) && rows;
    },
    () => `an outcome of each attempt: ${JSON.stringify(read())}`,
  );
}
