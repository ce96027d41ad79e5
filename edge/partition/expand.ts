/** A job whose URL turned out to be a list becomes the parent of a batch (jobs API 3.4). */
import type { ExtractedRequest } from "../../shared/contract/fleet.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { MAX_TITLE_LENGTH } from "../../shared/limits.ts";
import { createBatch } from "./batches.ts";
import { insertNew } from "./create.ts";
import { doomUploads, NO_HAND_OUT } from "./end.ts";
import type { LiveJob } from "./job-row.ts";
import { attemptRow, moveJob } from "./move.ts";
import { freeNames } from "./names.ts";
import { sourceText } from "./source-text.ts";
import type { Turn } from "./turn.ts";

type List = Extract<ExtractedRequest["result"], { kind: "list" }>;

/** Derived from the parent's id, so that a repeated expansion inserts nothing twice. */
export interface ExpansionIds {
  batch: string;
  /** One an entry, in order. */
  children: string[];
}

/** Inserts the batch and all children in this transaction. They are always admitted, and never expand again. */
export function becomeParent(turn: Turn, job: LiveJob, list: List, ids: ExpansionIds): LiveJob {
  const options = JSON.parse(job.options) as JobOptions;
  const entries = list.entries.slice(0, options.playlist_limit);
  doomUploads(turn, job.id);
  // An earlier attempt may have taken it for a single item.
  freeNames(turn, job.id);
  // Created first: the parent's event then names a batch that exists.
  createBatch(turn, {
    id: ids.batch,
    account_id: job.account_id,
    kind: "playlist",
    source_url: job.url,
    folder: job.folder,
    parent_job_id: job.id,
    webhook_url: job.webhook_url,
    created_at: turn.now,
    paused: options.hold_children ?? false,
    truncated: list.truncated || entries.length < list.entries.length,
    total: entries.length,
  });
  const moved = moveJob(
    turn,
    job,
    "parent",
    {
      ...NO_HAND_OUT,
      role: "parent",
      batch_id: ids.batch,
      step: null,
      progress: 0,
      reserved: null,
      title: sourceText(list.title, MAX_TITLE_LENGTH),
    },
    { event: ".attempt.ended", attempt: attemptRow(turn, job, { outcome: "expanded", error: null }) },
  );
  const childOptions = JSON.stringify({ ...options, playlist: "never" } satisfies JobOptions);
  insertNew(
    turn,
    entries.map((entry, index) => ({
      id: ids.children[index] ?? "",
      account_id: job.account_id,
      key_id: job.key_id,
      surface: job.surface,
      url: entry.url,
      options: childOptions,
      folder: job.folder,
      // Items of a batch are named by their titles.
      filename: null,
      title: sourceText(entry.title, MAX_TITLE_LENGTH),
      webhook_url: job.webhook_url,
      batch_id: ids.batch,
      batch_index: index,
      priority: job.priority,
      tags: job.tags,
      metadata: job.metadata,
      sealed: job.sealed,
      target_id: job.target_id,
      idempotency_key: null,
      idempotency_fingerprint: null,
      source_host: hostOf(entry.url),
      traceparent: job.traceparent,
      origin: job.origin,
      created_at: turn.now,
      held: options.hold_children ?? false,
    })),
  );
  return moved;
}

/** Entries are checked before this; a URL that still is none goes nowhere and fails by itself. */
function hostOf(url: string): string {
  return URL.parse(url)?.host ?? "";
}
