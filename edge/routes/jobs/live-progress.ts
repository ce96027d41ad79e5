/** How far running jobs are: D1 knows each change of state, the partition knows what goes on between two of them. */
import type { JobProgress } from "../../partition/client-desk.ts";
import type { JobRow } from "../../partition/job-row.ts";
import { apiStatus } from "../../partition/states.ts";
import type { AppContext } from "../http.ts";
import { askPartition } from "./job-access.ts";

type Moving = Pick<JobRow, "id" | "state" | "step" | "progress">;

export interface WithProgress<Row extends Moving> {
  row: Row;
  eta_seconds: number | null;
  speed_bytes_per_second: number | null;
}

/** Rows as D1 has them, in their order; the running ones as they are now. One call for all of them. */
export async function withProgress<Row extends Moving>(
  context: AppContext,
  rows: readonly Row[],
): Promise<WithProgress<Row>[]> {
  const isRunning = ({ state }: Pick<JobRow, "state">) => apiStatus(state) === "Processing";
  const running = rows.filter(isRunning).map((row) => row.id);
  const account = context.var.caller.account.id;
  const reads: JobProgress[] =
    running.length === 0 ? [] : await askPartition(context, async (stub) => stub.readProgress(account, running));
  // One that has ended since D1 was asked is shown as it was then, not half of this and half of that.
  const live = new Map(reads.filter(isRunning).map((read) => [read.id, read]));
  return rows.map((row) => {
    const { eta_seconds = null, speed_bytes_per_second = null, ...progress } = live.get(row.id) ?? {};
    return { row: { ...row, ...progress }, eta_seconds, speed_bytes_per_second };
  });
}
