/** Small builders of what the core is asked with. Everything has a plain default and can be overridden. */
import type { AccountFacts, NewJob } from "../../edge/partition/create.ts";
import type { NodeIdentity } from "../../edge/partition/sessions.ts";
import { MANAGED_TARGET } from "../../edge/partition/targets.ts";
import type { Limits } from "../../shared/contract/admin.ts";
import type { ExtractedInfo, FileKind, Manifest } from "../../shared/contract/media.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { jobOptions } from "../job-options.ts";

export const START = 1_750_000_000_000;

export const OPTIONS: JobOptions = jobOptions({ embed_metadata: true });

/** A valid UUID v7 shape from a small number: `id(7)` is the same everywhere. */
export function id(number: number): string {
  return `01970000-0000-7000-8000-${number.toString(16).padStart(12, "0")}`;
}

export function account(name: string, limits: Limits = {}, pool = "own_first"): AccountFacts {
  return { id: name, pool, limits: JSON.stringify(limits), store_prefix: `@${name}/`, storage: null };
}

export type JobWish = Partial<Omit<NewJob, "options" | "tags">> & {
  options?: Partial<JobOptions>;
  tags?: string[];
};

export function newJob(jobId: string, accountId: string, wish: JobWish = {}): NewJob {
  const { options, tags, ...rest } = wish;
  return {
    id: jobId,
    account_id: accountId,
    key_id: "key",
    surface: "jobs",
    url: "https://media.example/watch",
    folder: null,
    filename: null,
    webhook_url: null,
    batch_id: null,
    batch_index: null,
    priority: 0,
    metadata: null,
    sealed: null,
    target_id: MANAGED_TARGET,
    idempotency_key: null,
    idempotency_fingerprint: null,
    source_host: "media.example",
    traceparent: null,
    origin: "http://edge.example",
    created_at: START,
    held: false,
    ...rest,
    options: JSON.stringify({ ...OPTIONS, ...options }),
    tags: JSON.stringify(tags ?? []),
  };
}

export function identity(node: string, wish: Partial<NodeIdentity> = {}): NodeIdentity {
  return { node, session: 1, name: node, tags: [], country: null, account: null, ...wish };
}

export function info(wish: Partial<ExtractedInfo> = {}): ExtractedInfo {
  return {
    extractor: "generic",
    source_id: "1",
    title: "A title",
    description: null,
    release_date: null,
    uploader: null,
    thumbnail_url: null,
    duration_seconds: 10,
    is_live: false,
    width: 640,
    height: 360,
    native_video_codec: "avc1",
    native_audio_codec: "mp4a",
    size_estimate: 1_000,
    extract_duration_ms: 5,
    ...wish,
  };
}

export interface FileWish {
  uploadId: string;
  kind?: FileKind;
  size?: number;
}

export function manifest(files: readonly FileWish[]): Manifest {
  return {
    files: files.map(({ uploadId, kind = "media", size = 100 }) => ({
      upload_id: uploadId,
      kind,
      language: null,
      size,
      sha256: "a".repeat(64),
      parts: [{ part_number: 1, etag: '"e"', size }],
    })),
    telemetry: {
      precheck_duration_ms: null,
      extract_duration_ms: 1,
      download_duration_ms: 1,
      subtitle_duration_ms: null,
      mux_duration_ms: null,
      file_move_ms: null,
      upload_duration_ms: 1,
      io_wait_ms: null,
      cpu_wait_ms: null,
      upload_wait_ms: null,
      download_speed_mbps: null,
      upload_speed_mbps: null,
      download_strategy: "direct",
      cascade_total_attempts: null,
      download_retries: null,
      upload_retries: null,
      native_video_codec: null,
      native_audio_codec: null,
      actual_quality: null,
    },
    effective: {
      video_codec: null,
      audio_codec: null,
      actual_clip_start: null,
      actual_clip_end: null,
      duration_seconds: 10,
    },
  };
}
