/** Lists and figures read what they show, however long an account's history is. */
import { expect, it } from "vitest";
import { type JobListQuery, jobListStatement } from "../../edge/db/job-list.ts";
import { VirtualD1 } from "./simulation/virtual-d1.ts";

const ALL: JobListQuery = { account: "ann", status: null, batchId: null, before: null, limit: 20, offset: 0 };

it.each<[string, Partial<JobListQuery>, string]>([
  ["everything", {}, "jobs_account (account_id=?)"],
  ["one status", { status: "Failed" }, "jobs_account_status (account_id=? AND status=?)"],
  ["a further page", { before: "x" }, "jobs_account (account_id=? AND id<?)"],
  [
    "a further page of one status",
    { status: "Failed", before: "x" },
    "jobs_account_status (account_id=? AND status=? AND id<?)",
  ],
  ["one batch", { batchId: "b" }, "jobs_batch (batch_id=?)"],
  ["a further page of a batch's failed", { batchId: "b", status: "Failed", before: "x" }, "jobs_batch (batch_id=?)"],
])("a list of %s seeks by its filter", (_, wish, index) => {
  const { sql, values } = jobListStatement({ ...ALL, ...wish });
  const plan = new VirtualD1("p1:test:0", []).sql.all<{ detail: string }>(`EXPLAIN QUERY PLAN ${sql}`, ...values);
  expect(plan[0]?.detail).toBe(`SEARCH jobs USING INDEX ${index}`);
});
