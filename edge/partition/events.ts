/** The events table: outbox for the sinks and log for resuming streams (DESIGN section 2). */
import type { JobRow } from "./job-row.ts";
import { type ApiStatus, apiStatus, apiStep, type State } from "./states.ts";
import type { Turn } from "./turn.ts";

/** Public types (jobs API 7); a leading dot marks what only D1 has to hear about. */
export type EventType =
  | "job.created"
  | "job.started"
  | "job.completed"
  | "job.failed"
  | "job.warning"
  | "job.skipped"
  | "job.cancelled"
  | ".job.changed"
  | ".job.stage"
  | ".attempt.ended"
  | ".account.changed";

export interface EventRow {
  id: number;
  account_id: string;
  job_id: string | null;
  batch_id: string | null;
  type: string;
  data: string | null;
  attempt: string | null;
}

/** One confirmed hand-out, as D1 keeps it. */
export interface AttemptRow {
  job_id: string;
  attempt: number;
  epoch: number;
  node: string;
  began: number;
  ended: number | null;
  outcome: string | null;
  error: string | null;
}

/** The `data` of a `job.*` event: always the same keys. */
export interface JobEventData {
  id: string;
  type: string;
  time: number;
  job_id: string;
  batch_id: string | null;
  status: ApiStatus;
  step: string;
  progress: number | null;
  eta_seconds: number | null;
  speed_bytes_per_second: number | null;
  error: string | null;
  error_type: string | null;
}

/** What an event tells of its job. */
type ToldJob = Pick<JobRow, "id" | "account_id" | "batch_id" | "state" | "step" | "progress" | "error" | "error_type">;

export function jobEventData(job: ToldJob, id: number, type: string, time: number): JobEventData {
  return {
    id: String(id),
    type,
    time,
    job_id: job.id,
    batch_id: job.batch_id,
    status: apiStatus(job.state),
    step: apiStep(job.state, job.step),
    progress: job.progress,
    eta_seconds: null,
    speed_bytes_per_second: null,
    error: job.error,
    error_type: job.error_type,
  };
}

/** Writes one event row about a job as it now stands; returns its id. */
export function recordEvent(turn: Turn, job: ToldJob, type: EventType, attempt: AttemptRow | null): number {
  const id = turn.ids.next(turn.now);
  const data = type.startsWith(".") ? null : JSON.stringify(jobEventData(job, id, type, turn.now));
  turn.sql.run(
    "INSERT INTO events (id, account_id, job_id, batch_id, type, data, attempt) VALUES (?, ?, ?, ?, ?, ?, ?)",
    id,
    job.account_id,
    job.id,
    job.batch_id,
    type,
    data,
    attempt === null ? null : JSON.stringify(attempt),
  );
  return id;
}

/** Writes one event row about the account itself, for D1 alone; returns its id. */
export function recordAccountEvent(turn: Turn, account: string): number {
  const id = turn.ids.next(turn.now);
  const type: EventType = ".account.changed";
  turn.sql.run("INSERT INTO events (id, account_id, type) VALUES (?, ?, ?)", id, account, type);
  return id;
}

const TERMINAL_TYPES: Partial<Record<State, EventType>> = {
  completed: "job.completed",
  failed: "job.failed",
  warning: "job.warning",
  skipped: "job.skipped",
  cancelled: "job.cancelled",
};

export function terminalEventType(state: State): EventType | null {
  return TERMINAL_TYPES[state] ?? null;
}
