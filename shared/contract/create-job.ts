/** The body of `POST /jobs` (jobs API 3.1), field by field in the order of its table, with the texts of section 3.2. */
import { z } from "zod";
import { MAX_FILENAME_LENGTH, MAX_FOLDER_LENGTH } from "../limits.ts";
import { parseTimestamp } from "../timestamp.ts";
import { AUDIO_BITRATES, AUDIO_CODECS, PLAYLIST_MODES, QUALITY_PRESETS, RESOLUTIONS, VIDEO_CODECS } from "./options.ts";

/** Lengths count Unicode code points. */
function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

// NUL, `..`, `/` and `\`; everything else is the sanitiser's business.
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what the rule names
const FILENAME_FORBIDDEN = /\.\.|[/\\\u0000]/;

export const Filename = z
  .string()
  .refine((text) => codePoints(text) <= MAX_FILENAME_LENGTH, {
    error: `Filename too long (max ${MAX_FILENAME_LENGTH} characters)`,
    abort: true,
  })
  .refine((text) => !FILENAME_FORBIDDEN.test(text), { error: "Filename contains invalid characters" });

export const Folder = z
  .string()
  .refine((text) => codePoints(text) <= MAX_FOLDER_LENGTH, {
    error: `Folder name too long (max ${MAX_FOLDER_LENGTH} characters)`,
    abort: true,
  })
  .refine((text) => text.trim() !== "", { error: "Folder name must not be empty", abort: true })
  .refine((text) => !text.includes(".."), { error: "Folder name must not contain ..", abort: true })
  .refine((text) => !/^[/\\]/.test(text), { error: "Folder name must not start with / or \\" });

function integer(field: string, min: number, max: number) {
  const error = `${field} must be an integer between ${min} and ${max}`;
  return z.int().min(min, { error }).max(max, { error });
}

/**
 * One of a list, named in the list's order. Zod's own issue would name numeric values first, as JavaScript orders the
 * keys of an object.
 */
function oneOf<const Values extends readonly [string, ...string[]]>(field: string, values: Values) {
  return z.enum(values, {
    error: ({ input }) =>
      typeof input === "string" ? `${field} must be one of: ${values.join(", ")}` : `${field} must be a string`,
  });
}

function timestamp(field: string) {
  return z.string().refine((text) => parseTimestamp(text) !== null, {
    error: `Invalid ${field} timestamp (use HH:MM:SS, MM:SS or seconds)`,
  });
}

const MAX_METADATA_BYTES = 4_096;
const TAG = /^[a-z0-9_.-]+=[a-z0-9_.-]+$/;
const TAGS_TEXT = "tags must be at most 8 strings of the form key=value";

const Tags = z
  .array(z.unknown())
  .refine(
    (tags) => tags.length <= 8 && tags.every((tag) => typeof tag === "string" && tag.length <= 64 && TAG.test(tag)),
    { error: TAGS_TEXT },
  );

const Metadata = z
  .record(z.string(), z.unknown())
  .refine((value) => new TextEncoder().encode(JSON.stringify(value)).length <= MAX_METADATA_BYTES, {
    error: `metadata must be at most ${MAX_METADATA_BYTES} bytes`,
  });

/** Fields that a single job and a bulk request share. */
export const CreateJobBody = z
  .object({
    // Its form is the URL guard's business, which also knows what the operator allows.
    url: z.string(),
    format: z.string().optional(),
    video_codec: oneOf("video_codec", VIDEO_CODECS).optional(),
    audio_codec: oneOf("audio_codec", AUDIO_CODECS).optional(),
    audio_bitrate: oneOf("audio_bitrate", AUDIO_BITRATES).optional(),
    video_quality: integer("video_quality", 0, 51).optional(),
    quality_preset: oneOf("quality_preset", QUALITY_PRESETS).optional(),
    max_resolution: oneOf("max_resolution", RESOLUTIONS).optional(),
    filename: Filename.optional(),
    folder: Folder.optional(),
    webhook_url: z.string().optional(),
    enable_progress_webhook: z.boolean().optional(),
    audio_only: z.boolean().optional(),
    download_subtitles: z.boolean().optional(),
    download_thumbnail: z.boolean().optional(),
    clip_start: timestamp("clip_start").optional(),
    clip_end: timestamp("clip_end").optional(),
    live_recording: z.boolean().optional(),
    live_from_start: z.boolean().optional(),
    max_duration: integer("max_duration", 1, 86_400).optional(),
    wait_for_video: z.boolean().optional(),
    paused: z.boolean().optional(),
    playlist: oneOf("playlist", PLAYLIST_MODES).optional(),
    playlist_limit: integer("playlist_limit", 1, 1_000).optional(),
    priority: integer("priority", -10, 10).optional(),
    tags: Tags.optional(),
    metadata: Metadata.optional(),
  })
  .refine(
    (body) => {
      const start = body.clip_start === undefined ? null : parseTimestamp(body.clip_start);
      const end = body.clip_end === undefined ? null : parseTimestamp(body.clip_end);
      return start === null || end === null || end > start;
    },
    { error: "clip_end must be greater than clip_start", path: ["clip_end"] },
  );
export type CreateJobBody = z.infer<typeof CreateJobBody>;
