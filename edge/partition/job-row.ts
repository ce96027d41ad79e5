/**
 * A job as a row. The first part is the same in the partition and in D1 (`DRAINED_COLUMNS`); the second part exists only
 * while the job is live. JSON columns stay text until somebody needs them.
 */
import type { FailureClass } from "../../shared/contract/failures.ts";
import type { Step } from "../../shared/contract/fleet.ts";
import type { ExtractedInfo, Manifest } from "../../shared/contract/media.ts";
import type { State } from "./states.ts";

/** Columns that travel to D1 with each drain, in the order of both tables. */
export const DRAINED_COLUMNS = [
  "id",
  "account_id",
  "key_id",
  "surface",
  "role",
  "url",
  "state",
  "step",
  "status",
  "version",
  "options",
  "folder",
  "filename",
  "webhook_url",
  "batch_id",
  "batch_index",
  "priority",
  "tags",
  "metadata",
  "sealed",
  "target_id",
  "idempotency_key",
  "idempotency_fingerprint",
  "source_id",
  "source_host",
  "traceparent",
  "origin",
  "created_at",
  "queued_at",
  "not_before",
  "wait_until",
  "starts_at",
  "started_at",
  "finished_at",
  "attempt",
  "attempts",
  "tries",
  "node_name",
  "title",
  "description",
  "release_date",
  "source",
  "error",
  "error_type",
  "error_class",
  "progress",
  "reserved",
  "media_key",
  "file_size",
  "telemetry",
  "effective",
  "terminal_event_id",
  "create_event",
] as const;

export interface JobRow {
  id: string;
  account_id: string;
  key_id: string | null;
  surface: string;
  /** `single`, or `parent` once the job became a list. */
  role: string;
  url: string;
  state: State;
  step: Step | null;
  /** The jobs API's status, for filters. */
  status: string;
  version: number;
  /** JSON `JobOptions`. */
  options: string;
  folder: string | null;
  filename: string | null;
  webhook_url: string | null;
  batch_id: string | null;
  batch_index: number | null;
  priority: number;
  /** JSON array of `key=value`. */
  tags: string;
  metadata: string | null;
  sealed: string | null;
  target_id: string;
  idempotency_key: string | null;
  idempotency_fingerprint: string | null;
  source_id: string | null;
  source_host: string;
  traceparent: string | null;
  origin: string;
  created_at: number;
  /** Since when it has waited for this hand-out. */
  queued_at: number;
  not_before: number | null;
  /** End of `waiting`, from the first look that found the stream not begun. */
  wait_until: number | null;
  /** When the site says that the stream begins. */
  starts_at: number | null;
  /** Last confirmed hand-out. */
  started_at: number | null;
  finished_at: number | null;
  attempt: number;
  attempts: number;
  /** JSON `Tries`. */
  tries: string;
  node_name: string | null;
  title: string | null;
  description: string | null;
  release_date: string | null;
  /** JSON `ExtractedInfo`, cleaned. */
  source: string | null;
  error: string | null;
  error_type: string | null;
  error_class: FailureClass | null;
  progress: number | null;
  /** JSON `ReservedName`. */
  reserved: string | null;
  media_key: string | null;
  file_size: number | null;
  /** JSON `Telemetry`. */
  telemetry: string | null;
  /** JSON `EffectiveMedia`. */
  effective: string | null;
  terminal_event_id: number | null;
  /** Leased only once the D1 cursor has passed this event: that of the last job of its create. */
  create_event: number | null;
}

export interface LiveJob extends JobRow {
  create_event: number;
  node_id: string | null;
  session: number | null;
  offer_until: number | null;
  deadline_at: number | null;
  /** What had been put off for the edge's absences when the attempt began (see `absence.ts`). */
  away_before: number;
  /** Heartbeats in a row that did not list this attempt. */
  missed: number;
  /** JSON `Avoid`: nodes that should not, or must not, get it next. */
  avoid: string | null;
  /** Token whose report decided the job; set with `finishing` or a failure. */
  winner: string | null;
  /** JSON `Manifest`, from `complete` on. */
  manifest: string | null;
  finishing_since: number | null;
  commit_tries: number;
  commit_due: number | null;
  /** When the first lease search that finds no allowed node gives up. */
  avoid_until: number | null;
  /** What this attempt will add to the account's storage, as far as that is known. */
  bytes_reserved: number;
  /** 1: its attempts take a `live` slot, because it was asked for or because a look has found it so. */
  live: number;
  /** What a node needs to have it, besides a free slot; empty: nothing (see `lanes.ts`). */
  lane: string;
}

/** Tries counted per failure class. */
export type Tries = Partial<Record<FailureClass, number>>;

export interface Avoid {
  /** `<node>` or, after a lost worker, `<node>/<session>`. */
  nodes: string[];
  countries: string[];
  /** `prefer`: another node if one is online; `only`: never these. */
  mode: "prefer" | "only";
  /** With `only`: besides, these not if another one is online. Absent in rows of before. */
  rather?: string[];
  class: FailureClass;
  message: string;
}

/** The name all files of a job share. */
export interface ReservedName {
  stem: string;
  suffix: number;
  /** Logical folder, without a trailing slash. */
  folder: string;
  /** Logical key of the media file. */
  key: string;
  /** What yt-dlp named the media file (`LibraryRun`). Absent: the name is made of the title. */
  rendered?: string;
}

/** What the last look said; null before the first. */
export function parseSource(job: JobRow): ExtractedInfo | null {
  return job.source === null ? null : (JSON.parse(job.source) as ExtractedInfo);
}

export function parseTries(job: JobRow): Tries {
  return JSON.parse(job.tries) as Tries;
}

export function parseAvoid(job: Pick<LiveJob, "avoid">): Avoid | null {
  return job.avoid === null ? null : (JSON.parse(job.avoid) as Avoid);
}

export function parseReserved(job: JobRow): ReservedName | null {
  return job.reserved === null ? null : (JSON.parse(job.reserved) as ReservedName);
}

export function parseManifest(job: LiveJob): Manifest | null {
  return job.manifest === null ? null : (JSON.parse(job.manifest) as Manifest);
}
