/**
 * Ends that D1 has and some sink may not have been told, put back with the very event that told them: the sinks get them
 * as if nothing had been, with the same `webhook-id`, and what has heard them already knows them.
 */
import { batchEventData } from "./batch-events.ts";
import { insertBatchRow, type LiveBatch } from "./batches.ts";
import { insertJobRow, withoutHandOut } from "./create.ts";
import type { FileRow } from "./drain.ts";
import { jobEventData, terminalEventType } from "./events.ts";
import { insertFileRow } from "./files.ts";
import type { JobRow } from "./job-row.ts";
import type { Turn } from "./turn.ts";

/** The courier knows what it has sent for 30 days. An older end would be news to it, and is none to its receiver. */
const RETOLD_MAX_AGE_MS = 29 * 24 * 60 * 60_000;

export function tellJobAgain(turn: Turn, row: JobRow, files: readonly FileRow[]): void {
  const type = terminalEventType(row.state);
  const { terminal_event_id: event, finished_at: ended } = row;
  if (type === null || event === null || ended === null || ended < turn.now - RETOLD_MAX_AGE_MS) return;
  insertJobRow(turn, withoutHandOut(row, row.create_event ?? 0));
  for (const file of files) insertFileRow(turn, file);
  turn.sql.run(
    "INSERT INTO outcomes (job_id, winner, state, ended_at) VALUES (?, NULL, ?, ?)",
    row.id,
    row.state,
    ended,
  );
  const data = jobEventData(row, event, type, ended);
  insertEvent(turn, { id: event, account: row.account_id, job: row.id, batch: row.batch_id, type, data });
}

export function tellBatchAgain(turn: Turn, batch: LiveBatch): void {
  const { terminal_event_id: event, finished_at: ended } = batch;
  if (event === null || ended === null || ended < turn.now - RETOLD_MAX_AGE_MS) return;
  turn.ids.passed(event);
  insertBatchRow(turn, batch);
  const type = "batch.completed";
  const data = batchEventData(batch, event, type, ended);
  insertEvent(turn, { id: event, account: batch.account_id, job: null, batch: batch.id, type, data });
}

interface OldEvent {
  id: number;
  account: string;
  job: string | null;
  batch: string | null;
  type: string;
  data: object;
}

function insertEvent(turn: Turn, event: OldEvent): void {
  turn.sql.run(
    "INSERT INTO events (id, account_id, job_id, batch_id, type, data, attempt) VALUES (?, ?, ?, ?, ?, ?, NULL)",
    event.id,
    event.account,
    event.job,
    event.batch,
    event.type,
    JSON.stringify(event.data),
  );
}
