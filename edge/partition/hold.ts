/** One job put on hold, and let go again (library API 4.6). */
import { recordEvent } from "./events.ts";
import { getJob, killAttempt, moveJob } from "./move.ts";
import type { State } from "./states.ts";
import type { Turn } from "./turn.ts";

export type HoldResult =
  /** With the event that tells of it. */
  | { kind: "done"; event: number }
  /** A node has it: it goes on. */
  | { kind: "runs" }
  /** Nothing to do: it is on hold already, or is not. */
  | { kind: "already" }
  /** Not in the queue: never there, another account's, over, or waiting for its stream. */
  | { kind: "unknown" };

const RUNS: readonly State[] = ["running", "finishing"];
const READY: readonly State[] = ["queued", "offered", "delayed"];

/** Atomic: once this is acknowledged no token of the job is live. An offer that was not confirmed is taken back. */
export function holdJob(turn: Turn, account: string, id: string): HoldResult {
  const job = getJob(turn, id);
  if (job === undefined || job.account_id !== account) return { kind: "unknown" };
  if (job.state === "held") return { kind: "already" };
  if (RUNS.includes(job.state)) return { kind: "runs" };
  if (!READY.includes(job.state)) return { kind: "unknown" };
  if (job.state === "offered") killAttempt(turn, job);
  const empty = { node_id: null, session: null, offer_until: null, not_before: null, avoid_until: null };
  const held = moveJob(turn, job, "held", empty);
  return { kind: "done", event: recordEvent(turn, held, ".job.changed", null) };
}

/** Lets one job go, also one of a batch that is paused: the others stay. */
export function startJob(turn: Turn, account: string, id: string): HoldResult {
  const job = getJob(turn, id);
  if (job === undefined || job.account_id !== account) return { kind: "unknown" };
  if (RUNS.includes(job.state) || READY.includes(job.state)) return { kind: "already" };
  if (job.state !== "held") return { kind: "unknown" };
  const started = moveJob(turn, job, "queued", { queued_at: turn.now });
  return { kind: "done", event: recordEvent(turn, started, ".job.changed", null) };
}
