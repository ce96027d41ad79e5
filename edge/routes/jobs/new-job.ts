/** Jobs as a request asks for them, before the partition has them. */

import type { z } from "zod";
import type { ExpandedEntry } from "../../../shared/contract/calls.ts";
import type { CreateJobBody } from "../../../shared/contract/create-job.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { uuidv7 } from "../../../shared/ids.ts";
import { normaliseOptions, type RequestedOptions } from "../../../shared/normalise-options.ts";
import type { NewBatch } from "../../partition/batches.ts";
import type { NewJob } from "../../partition/create.ts";
import type { AppContext } from "../http.ts";
import { requestOrigin } from "../origin.ts";
import type { Entrusted } from "./entrusted.ts";

/** What single jobs, bulk items and list entries have in common. */
export type JobTemplate = Omit<CreateJobBody, "url" | "filename" | "max_resolution" | "storage"> &
  Pick<RequestedOptions, "max_resolution">;

/** An id of this moment. Minted here, so that our own repeat after a lost answer inserts nothing twice. */
export function mintId(now: number): string {
  return uuidv7(now, crypto.getRandomValues(new Uint8Array(10)));
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
  const { caller } = context.var;
  return {
    id: mintId(place.now),
    account_id: caller.account.id,
    key_id: caller.keyId,
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
    sealed: place.entrusted?.sealed ?? null,
    target_id: place.entrusted?.target?.id ?? null,
    idempotency_key: null,
    idempotency_fingerprint: null,
    source_host: URL.parse(item.mediaUrl ?? item.url)?.host ?? "",
    traceparent: traceparentOf(context),
    origin: requestOrigin(context.req.raw, context.env),
    created_at: place.now,
    held: place.batch?.held ?? false,
    title: item.title ?? null,
    skip: item.skip ?? null,
  };
}

function optionsOf(context: AppContext, template: JobTemplate): JobOptions {
  const { caller } = context.var;
  const { folder: _, webhook_url, paused, priority: _p, tags: _t, metadata: _m, cookies: _c, ...asked } = template;
  // Without a place to send it, it is as if it had not been asked for.
  if (webhook_url === undefined) delete asked.enable_progress_webhook;
  const { max_duration_seconds, max_filesize_bytes, attempt_deadline_seconds } = caller.limits;
  const limits = {
    ...(max_duration_seconds === undefined ? {} : { max_duration_seconds }),
    ...(max_filesize_bytes === undefined ? {} : { max_filesize_bytes }),
    ...(attempt_deadline_seconds === undefined ? {} : { attempt_deadline_seconds }),
  };
  const options = normaliseOptions(asked, caller.limits.max_resolution ?? null);
  const askedResolution = asked.max_resolution ?? "best";
  return {
    ...options,
    ...(options.max_resolution === askedResolution ? {} : { asked_resolution: askedResolution }),
    ...(paused === true ? { hold_children: true } : {}),
    ...(context.env.TRAWL_INFO_JSON === "1" ? { info_json: true } : {}),
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

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** W3C trace context of the request; anything else is not passed on. */
export function traceparentOf(context: AppContext): string | null {
  const header = context.req.header("traceparent");
  return header !== undefined && TRACEPARENT.test(header) ? header : null;
}
