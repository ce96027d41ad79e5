/**
 * The last progress of each running attempt, in memory: progress may be lost. The session row carries it along with each
 * heartbeat, so an eviction forgets at most one interval.
 */
import type { ProgressEntry, Step } from "../../shared/contract/fleet.ts";
import type { EventIds } from "./event-ids.ts";
import { type JobEventData, jobEventData } from "./events.ts";
import type { JobRow, LiveJob } from "./job-row.ts";
import type { Sql } from "./sql.ts";
import { stepProgress } from "./states.ts";

export interface BoardEntry {
  job: string;
  token: string;
  step: Step;
  progress: number | null;
  eta_seconds: number | null;
  speed_bytes_per_second: number | null;
  event_id: number;
  at: number;
}

/** At most one progress event a second and job reaches the streams. */
const PUBLISH_INTERVAL_MS = 1_000;

export class ProgressBoard {
  readonly #entries = new Map<string, BoardEntry>();

  /** Reads back what the heartbeats wrote along. */
  static load(sql: Sql): ProgressBoard {
    const board = new ProgressBoard();
    for (const row of sql.all<{ progress: string }>("SELECT progress FROM sessions")) {
      for (const entry of JSON.parse(row.progress) as BoardEntry[]) board.#entries.set(entry.job, entry);
    }
    return board;
  }

  /**
   * Takes one frame of a node. `holds` gives the job if this token is its live, running attempt; everything else in the
   * frame is late and dropped. Returns the events that streams should see.
   */
  take(
    frame: readonly ProgressEntry[],
    holds: (job: string, token: string) => LiveJob | null,
    ids: EventIds,
    now: number,
  ): { job: LiveJob; data: JobEventData }[] {
    const events: { job: LiveJob; data: JobEventData }[] = [];
    for (const entry of frame) {
      const job = holds(entry.job, entry.token);
      if (job === null) continue;
      const before = this.#entries.get(entry.job);
      const same = before?.token === entry.token ? before : undefined;
      // A new step waits for its turn too: the pace is promised (jobs API 7).
      const due = same === undefined || now - same.at >= PUBLISH_INTERVAL_MS;
      const progress = entry.fraction === null ? null : stepProgress(entry.step, entry.fraction);
      const next: BoardEntry = {
        job: entry.job,
        token: entry.token,
        step: entry.step,
        // A downloader that starts over (a second stream of the same source) must not turn the bar back.
        progress: progress === null || same?.progress == null ? progress : Math.max(progress, same.progress),
        eta_seconds: entry.eta_seconds,
        speed_bytes_per_second: entry.speed_bytes_per_second,
        event_id: due ? ids.next(now) : same.event_id,
        at: due ? now : same.at,
      };
      this.#entries.set(entry.job, next);
      if (due) events.push({ job, data: progressEvent(job, next, now) });
    }
    return events;
  }

  /** The entry of a job's live attempt. */
  of(job: JobRow, token: string): BoardEntry | null {
    const entry = this.#entries.get(job.id);
    return entry !== undefined && entry.token === token && job.state === "running" ? entry : null;
  }

  /** Jobs with progress that is newer than this event. */
  newerThan(eventId: number): string[] {
    return [...this.#entries.values()].filter((entry) => entry.event_id > eventId).map(({ job }) => job);
  }

  forget(job: string): void {
    this.#entries.delete(job);
  }

  /** What a session's row keeps. */
  toRow(jobs: readonly string[]): string {
    return JSON.stringify(jobs.map((job) => this.#entries.get(job)).filter((entry) => entry !== undefined));
  }
}

export function progressEvent(job: JobRow, entry: BoardEntry, now: number): JobEventData {
  return {
    ...jobEventData({ ...job, step: entry.step }, entry.event_id, "job.progress", now),
    progress: entry.progress,
    eta_seconds: entry.eta_seconds,
    speed_bytes_per_second: entry.speed_bytes_per_second,
  };
}
