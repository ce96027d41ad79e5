/** Jobs as a request asks for them, before the partition has them. */

import type { z } from "zod";
import type { ExpandedEntry } from "../../../shared/contract/calls.ts";
import type { CreateJobBody } from "../../../shared/contract/create-job.ts";
import type { JobOptions, Resolution } from "../../../shared/contract/options.ts";
import { nthUuidv7, uuidv7 } from "../../../shared/ids.ts";
import { limitResolution, normaliseOptions, type RequestedOptions } from "../../../shared/normalise-options.ts";
import { parseTraceparent, traceparentText } from "../../../shared/trace-context.ts";
import type { NewBatch } from "../../partition/batches.ts";
import type { NewJob } from "../../partition/create.ts";
import type { JobRow } from "../../partition/job-row.ts";
import type { AppContext } from "../http.ts";
import { requestOrigin } from "../origin.ts";
import type { Entrusted } from "./entrusted.ts";

/** What single jobs, bulk items and list entries have in common. */
export type JobTemplate = Omit<CreateJobBody, "url" | "filename" | "max_resolution" | "storage"> &
  Pick<RequestedOptions, "max_resolution">;

/**
 * An id of this moment. Minted here, so that our own repeat after a lost answer inserts nothing twice.
 *
 * @param index of several of one moment: jobs of one age are handed out in the order of their ids, and a list's in its own.
 */
export function mintId(now: number, index?: number): string {
  const entropy = crypto.getRandomValues(new Uint8Array(10));
  return index === undefined ? uuidv7(now, entropy) : nthUuidv7(now, entropy, index);
}

export interface NewItem {
  url: string;
  filename: string | null;
  title?: string | null;
  /** Downloaded instead of `url`. */
  mediaUrl?: string | null;
  /** Why there is nothing to download. */
  skip?: string | null;
}

export interface JobPlace {
  now: number;
  batch: { id: string; index: number; held: boolean } | null;
  surface: string;
  /** Absent: nothing was entrusted, and files go to the account's storage. */
  entrusted?: Entrusted;
}

export function newJob(context: AppContext, template: JobTemplate, item: NewItem, place: JobPlace): NewJob {
  return {
    ...asked(context, place),
    surface: place.surface,
    url: item.url,
    options: JSON.stringify({
      ...optionsOf(context, template),
      ...(typeof item.mediaUrl === "string" ? { media_url: item.mediaUrl } : {}),
    }),
    folder: template.folder ?? null,
    // A blank name is an omitted one.
    filename: item.filename === null || item.filename.trim() === "" ? null : item.filename,
    webhook_url: template.webhook_url ?? null,
    batch_id: place.batch?.id ?? null,
    batch_index: place.batch?.index ?? null,
    priority: template.priority ?? 0,
    tags: JSON.stringify(template.tags ?? []),
    metadata: template.metadata === undefined ? null : JSON.stringify(template.metadata),
    source_host: URL.parse(item.mediaUrl ?? item.url)?.host ?? "",
    held: place.batch?.held ?? false,
    title: item.title ?? null,
    skip: item.skip ?? null,
  };
}

/** A job with the parameters of an older one, under the limits of the key that asks now, outside any batch (jobs API 3.8). */
export function repeatJob(context: AppContext, row: JobRow, place: Pick<JobPlace, "now" | "entrusted">): NewJob {
  const { surface, url, folder, filename, webhook_url, priority, tags, metadata, source_host } = row;
  const { limits: _, asked_resolution, ...options } = JSON.parse(row.options) as JobOptions;
  const resolution = asked_resolution ?? options.max_resolution;
  return {
    ...asked(context, { ...place, batch: null }),
    ...{ surface, url, folder, filename, webhook_url, priority, tags, metadata, source_host },
    options: JSON.stringify(underLimits(context, options, resolution)),
    batch_id: null,
    batch_index: null,
    held: false,
  };
}

/** What every new job has from its request. */
function asked(context: AppContext, { now, batch, entrusted }: Omit<JobPlace, "surface">) {
  const { caller } = context.var;
  return {
    id: mintId(now, batch?.index),
    account_id: caller.account.id,
    key_id: caller.keyId,
    sealed: entrusted?.sealed ?? null,
    // Without storage of its own: the account's, as it is now.
    target_id: entrusted?.target?.id ?? null,
    idempotency_key: null,
    idempotency_fingerprint: null,
    traceparent: traceparentOf(context),
    origin: requestOrigin(context.req.raw, context.env),
    created_at: now,
  };
}

function optionsOf(context: AppContext, template: JobTemplate): JobOptions {
  const { folder: _, webhook_url, paused, priority: _p, tags: _t, metadata: _m, cookies: _c, ...requested } = template;
  // Without a place to send it, it is as if it had not been asked for.
  if (webhook_url === undefined) delete requested.enable_progress_webhook;
  const options = normaliseOptions(requested, context.var.caller.limits.max_resolution ?? null);
  return {
    ...underLimits(context, options, requested.max_resolution ?? "best"),
    ...(paused === true ? { hold_children: true } : {}),
    ...(context.env.TRAWL_INFO_JSON === "1" ? { info_json: true } : {}),
  };
}

/** Options under the limits of the caller's key, with what was asked for where a limit made less of it. */
function underLimits(context: AppContext, options: JobOptions, resolution: Resolution): JobOptions {
  const { max_duration_seconds, max_filesize_bytes, attempt_deadline_seconds, storage_limit_bytes, ...more } =
    context.var.caller.limits;
  const limits = {
    ...(max_duration_seconds === undefined ? {} : { max_duration_seconds }),
    ...(max_filesize_bytes === undefined ? {} : { max_filesize_bytes }),
    ...(attempt_deadline_seconds === undefined ? {} : { attempt_deadline_seconds }),
    ...(storage_limit_bytes === undefined ? {} : { storage_limit_bytes }),
  };
  const max_resolution = limitResolution(resolution, more.max_resolution ?? null);
  return {
    ...options,
    max_resolution,
    ...(max_resolution === resolution ? {} : { asked_resolution: resolution }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
}

export interface NewList {
  batch: NewBatch;
  jobs: NewJob[];
}

/** A list that is known by its URL as a batch with all its jobs, in the source's order. They never expand again. */
export function newList(
  context: AppContext,
  template: JobTemplate,
  list: { kind: "show" | "playlist"; url: string; truncated: boolean; entries: z.infer<typeof ExpandedEntry>[] },
  place: Omit<JobPlace, "batch">,
): NewList {
  const { now } = place;
  const id = mintId(now);
  const held = template.paused ?? false;
  return {
    batch: {
      id,
      account_id: context.var.caller.account.id,
      kind: list.kind,
      source_url: list.url,
      folder: template.folder ?? null,
      parent_job_id: null,
      webhook_url: template.webhook_url ?? null,
      created_at: now,
      paused: held,
      truncated: list.truncated,
      total: list.entries.length,
    },
    jobs: list.entries.map((entry, index) =>
      newJob(
        context,
        { ...template, playlist: "never" },
        {
          url: entry.url,
          filename: null,
          title: entry.title,
          skip: entry.skip,
          mediaUrl: entry.media_url,
        },
        { ...place, batch: { id, index, held } },
      ),
    ),
  };
}

/** W3C trace context of the request; anything else is not passed on. */
function traceparentOf(context: AppContext): string | null {
  const trace = parseTraceparent(context.req.header("traceparent"));
  return trace === null ? null : traceparentText(trace);
}
