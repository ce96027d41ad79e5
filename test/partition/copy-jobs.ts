/** Many jobs by SQL: the core makes one of each account the ordinary way, and the others are copies of it. */
import type { Sql } from "../../edge/partition/sql.ts";

/** `copies` more of each account's one job, younger by a millisecond each, and counted. */
export function copyJobs(sql: Sql, copies: number): void {
  if (copies <= 0) return;
  const columns = sql.all<{ name: string }>("SELECT name FROM pragma_table_info('jobs')").map(({ name }) => name);
  const values = columns.map((name) => {
    if (name === "id") return "j.id || '-' || n.value";
    return name === "queued_at" ? "j.queued_at + n.value" : `j.${name}`;
  });
  sql.transaction(() => {
    sql.run(
      `INSERT INTO jobs (${columns.join(", ")})
       WITH RECURSIVE n (value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < ?)
       SELECT ${values.join(", ")} FROM jobs j, n`,
      copies,
    );
    sql.run("UPDATE accounts SET ready = ready + ?, pending = pending + ?", copies, copies);
  });
}
