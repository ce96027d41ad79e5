/** What a node tells the edge about a source, before and after the download. All of it is untrusted at the edge. */
import { z } from "zod";
import { MAX_DESCRIPTION_LENGTH, MAX_FILES_PER_JOB, MAX_TITLE_LENGTH, MAX_UPLOAD_ID_LENGTH } from "../limits.ts";

const shortText = z.string().max(200).nullable();
const seconds = z.number().finite().nonnegative().nullable();

/** The `extracted` checkpoint: what one look at the source said, before a byte of media is fetched. */
export const ExtractedInfo = z.object({
  /** yt-dlp's extractor key, lower case, and the site's own id: together the job's `source_id`. */
  extractor: z.string().max(100),
  source_id: z.string().max(500).nullable(),
  title: z.string().max(MAX_TITLE_LENGTH).nullable(),
  description: z.string().max(MAX_DESCRIPTION_LENGTH).nullable(),
  /** ISO 8601 UTC, to the second; midnight for a mere day. */
  release_date: z.iso.datetime().nullable(),
  uploader: shortText,
  thumbnail_url: z.string().max(4096).nullable(),
  duration_seconds: seconds,
  is_live: z.boolean(),
  width: z.int().nonnegative().nullable(),
  height: z.int().nonnegative().nullable(),
  /** The chosen source codecs, short style (`avc1`, `mp4a`). */
  native_video_codec: shortText,
  native_audio_codec: shortText,
  /** Expected size of the delivered media file, bytes; an estimate. */
  size_estimate: z.int().nonnegative().nullable(),
  extract_duration_ms: z.int().nonnegative(),
});
export type ExtractedInfo = z.infer<typeof ExtractedInfo>;

/** `other`: what else yt-dlp wrote for a job with `library` (chapters, descriptions). */
export const FileKind = z.enum(["media", "subtitle", "thumbnail", "info", "other"]);
export type FileKind = z.infer<typeof FileKind>;

/** One uploaded part, as the storage answered it. */
export const UploadedPart = z.object({
  part_number: z.int().min(1).max(10_000),
  etag: z.string().max(200),
  size: z.int().nonnegative(),
});
export type UploadedPart = z.infer<typeof UploadedPart>;

/** One delivered file: bytes that lie uncommitted under a ticket. */
export const ManifestFile = z.object({
  upload_id: z.string().max(MAX_UPLOAD_ID_LENGTH),
  kind: FileKind,
  language: z.string().max(35).nullable(),
  size: z.int().nonnegative(),
  /** Absent only for a file that was claimed in place, in a store that counts by itself (the ticket's `counts_sha256`). */
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  parts: z.array(UploadedPart).max(10_000),
});
export type ManifestFile = z.infer<typeof ManifestFile>;

const duration = z.int().nonnegative().nullable();

/** Durations and counts of the winning attempt (jobs API 3.5); null where it does not apply. */
export const Telemetry = z.object({
  precheck_duration_ms: duration,
  extract_duration_ms: duration,
  download_duration_ms: duration,
  subtitle_duration_ms: duration,
  mux_duration_ms: duration,
  file_move_ms: duration,
  upload_duration_ms: duration,
  io_wait_ms: duration,
  cpu_wait_ms: duration,
  upload_wait_ms: duration,
  /** MB/s (10^6 bytes), one decimal, despite the wire name `*_mbps`. */
  download_speed_mbps: z.number().nonnegative().nullable(),
  upload_speed_mbps: z.number().nonnegative().nullable(),
  download_strategy: z.enum(["native", "direct", "generic", "proxy", "live"]).nullable(),
  cascade_total_attempts: duration,
  download_retries: duration,
  upload_retries: duration,
  native_video_codec: shortText,
  native_audio_codec: shortText,
  actual_quality: shortText,
});
export type Telemetry = z.infer<typeof Telemetry>;

/** What the file really has, where it differs from what was asked (jobs API 11.4): echoed by the job. */
export const EffectiveMedia = z.object({
  video_codec: z.string().max(20).nullable(),
  audio_codec: z.string().max(20).nullable(),
  /** The CRF of a picture that was encoded though `copy` was asked for; nodes of old do not tell. */
  video_quality: z.int().min(0).max(63).nullable().optional(),
  actual_clip_start: z.number().nonnegative().nullable(),
  actual_clip_end: z.number().nonnegative().nullable(),
  duration_seconds: seconds,
});
export type EffectiveMedia = z.infer<typeof EffectiveMedia>;

/** The body of `complete`: files to commit and what to tell about them. */
export const Manifest = z.object({
  files: z.array(ManifestFile).min(1).max(MAX_FILES_PER_JOB),
  telemetry: Telemetry,
  effective: EffectiveMedia,
});
export type Manifest = z.infer<typeof Manifest>;
