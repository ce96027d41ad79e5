/** Waits for what the first look at a source says (library API 3.5, 4.1). */
import { hideJobs } from "../../../db/downloads.ts";
import type { JobRow } from "../../../partition/job-row.ts";
import type { AppContext } from "../../http.ts";
import { readJobSource } from "../../jobs/job-access.ts";
import { listTotals } from "../../jobs/totals.ts";

/** What is undecided then goes on by itself. */
const MAX_WAIT_MS = 100_000;
/** What no node has taken until then waits for one. */
const MAX_QUEUED_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1_000;

export interface LookOutcome {
  status: boolean;
  msg: string | null;
}

const GOES_ON: LookOutcome = { status: true, msg: null };

/** A failure that is told to somebody who waited leaves no record. */
export async function untilLooked(context: AppContext, id: string): Promise<LookOutcome> {
  const began = Date.now();
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(MAX_PAUSE_MS, pause * 1.5)) {
    const source = await readJobSource(context, id);
    const waited = Date.now() - began;
    if (source === null || isLooked(source.row) || waited > MAX_WAIT_MS) return outcomeOf(context, source?.row ?? null);
    if (source.row.state === "held" || (source.row.state !== "running" && waited > MAX_QUEUED_MS)) return GOES_ON;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/** Its first look is over: it downloads, became a list, waits for its stream, is repeated, or has ended. */
function isLooked({ state, step }: Pick<JobRow, "state" | "step">): boolean {
  if (state === "running") return step !== null && step !== "extract";
  return state !== "queued" && state !== "offered" && state !== "held";
}

async function outcomeOf(context: AppContext, row: JobRow | null): Promise<LookOutcome> {
  if (row === null || (row.state !== "failed" && row.state !== "warning")) return GOES_ON;
  // The end of a job reaches D1 with the drain.
  await listTotals(context);
  await hideJobs(context.env.DB, context.var.caller.account.id, [row.id], Date.now());
  return { status: false, msg: `Unable to extract info.${row.error ?? ""}` };
}
