/** The body of `POST /jobs` (jobs API 3.1), field by field in the order of its table, with the texts of section 3.2. */
import { z } from "zod";
import { countCodePoints } from "../code-points.ts";
import { MAX_FILENAME_LENGTH, MAX_FOLDER_LENGTH } from "../limits.ts";
import { MAX_COOKIES_BYTES, parseCookies } from "../netscape-cookies.ts";
import { parseTimestamp } from "../timestamp.ts";
import { AUDIO_BITRATES, AUDIO_CODECS, PLAYLIST_MODES, QUALITY_PRESETS, RESOLUTIONS, VIDEO_CODECS } from "./options.ts";
import { Storage } from "./storage.ts";

// NUL, `..`, `/` and `\`; everything else is the sanitiser's business.
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what the rule names
const FILENAME_FORBIDDEN = /\.\.|[/\\\u0000]/;

export const Filename = z
  .string()
  .refine((text) => countCodePoints(text) <= MAX_FILENAME_LENGTH, {
    error: `Filename too long (max ${MAX_FILENAME_LENGTH} characters)`,
    abort: true,
  })
  .refine((text) => !FILENAME_FORBIDDEN.test(text), { error: "Filename contains invalid characters" });

const Folder = z
  .string()
  .refine((text) => countCodePoints(text) <= MAX_FOLDER_LENGTH, {
    error: `Folder name too long (max ${MAX_FOLDER_LENGTH} characters)`,
    abort: true,
  })
  .refine((text) => text.trim() !== "", { error: "Folder name must not be empty", abort: true })
  .refine((text) => !text.includes(".."), { error: "Folder name must not contain ..", abort: true })
  .refine((text) => !/^[/\\]/.test(text), { error: "Folder name must not start with / or \\" });

function integer(field: string, min: number, max: number) {
  const error = `${field} must be an integer between ${min} and ${max}`;
  return z
    .int({
      // A whole number past 2^53 is out of range, not of another type.
      error: ({ input }) => (Number.isInteger(input) ? error : `${field} must be an integer`),
      abort: true,
    })
    .min(min, { error })
    .max(max, { error });
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

const Cookies = z.string().superRefine((text, context) => {
  const message = cookiesProblem(text);
  if (message !== null) context.addIssue({ code: "custom", message });
});

/** Names the line and never what stands in it: the text is a secret. */
function cookiesProblem(text: string): string | null {
  // A code unit has at least one byte: the short cut spares the count of a text that is far too long.
  const tooLong = text.length > MAX_COOKIES_BYTES || new TextEncoder().encode(text).length > MAX_COOKIES_BYTES;
  if (tooLong) return `cookies must be at most ${MAX_COOKIES_BYTES} bytes`;
  const { cookies, problem } = parseCookies(text);
  const why = problem ?? (cookies.length === 0 ? "it holds no cookie" : null);
  return why === null ? null : `cookies must be Netscape cookie text: ${why}`;
}

const MAX_SUBTITLE_LANGUAGES = 8;
/** BCP 47 as far as its form goes: language, then script, region, variants. */
const LANGUAGE_TAG = /^[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,3}$/;

const SubtitleLanguages = z
  .array(z.unknown())
  .refine(
    (tags) =>
      tags.length <= MAX_SUBTITLE_LANGUAGES && tags.every((tag) => typeof tag === "string" && LANGUAGE_TAG.test(tag)),
    { error: `subtitle_languages must be at most ${MAX_SUBTITLE_LANGUAGES} BCP 47 language tags` },
  );

const FORMAT_ID = /^[A-Za-z0-9_+.-]{1,64}$/;
const FormatId = z
  .string()
  .regex(FORMAT_ID, { error: "format_id must be 1 to 64 letters, digits or characters of _+.-" });

/** Null for what is no time: another rule has said so. */
function clipSeconds(value: unknown): number | null {
  return typeof value === "string" ? parseTimestamp(value) : null;
}

/** Fields that a single job and a bulk request share. */
export const JobFields = z.object({
  // Its form is the URL guard's business, which also knows what the operator allows.
  url: z.string().describe("Media page, Spotify show, playlist or feed: http or https, at most 4,096 characters"),
  format: z
    .string()
    .optional()
    .describe(
      "Container: video `mp4` `mkv` `webm` `mov`, audio `m4a` `mp3` `ogg` `opus`. Any other text becomes `mp4`. Defaults to `mp4`, with `audio_only` to `m4a`",
    ),
  video_codec: oneOf("video_codec", VIDEO_CODECS).optional().describe("Defaults to `copy`"),
  audio_codec: oneOf("audio_codec", AUDIO_CODECS)
    .optional()
    .describe("Defaults to `copy`, which falls back to what the container holds where the source does not fit"),
  audio_bitrate: oneOf("audio_bitrate", AUDIO_BITRATES)
    .optional()
    .describe("Defaults to `192k` when transcoding; no effect with an explicit `audio_codec` of `copy`"),
  video_quality: integer("video_quality", 0, 51)
    .optional()
    .describe("CRF, lower is better; used only if `video_codec` is not `copy`. Defaults to 23"),
  quality_preset: oneOf("quality_preset", QUALITY_PRESETS).optional().describe("Beats `video_quality`"),
  max_resolution: oneOf("max_resolution", RESOLUTIONS)
    .optional()
    .describe("Limit of the shorter side; not offered: the next lower, else the smallest. Defaults to `best`"),
  filename: Filename.optional().describe(
    "Without extension, at most 255 characters; no `..`, `/`, `\\`, NUL. Blank counts as omitted; ignored when the URL becomes a batch. Defaults to the title of the source",
  ),
  folder: Folder.optional().describe(
    "At most 200 characters; no `..`, no leading `/` or `\\`, not blank. Inner `/` nests",
  ),
  webhook_url: z
    .string()
    .optional()
    .describe("Where outcomes are sent: http or https, no user info, at most 2,048 characters"),
  enable_progress_webhook: z
    .boolean()
    .optional()
    .describe("Sends stages too; ignored without `webhook_url`. Defaults to false"),
  audio_only: z
    .boolean()
    .optional()
    .describe("The audio track only, `m4a` unless `format` says otherwise. Defaults to false"),
  download_subtitles: z.boolean().optional().describe("Fills `subtitle_url`. Defaults to false"),
  download_thumbnail: z.boolean().optional().describe("Fills `thumbnail_url`. Defaults to false"),
  clip_start: timestamp("clip_start")
    .optional()
    .describe("`HH:MM:SS`, `MM:SS` (minutes may pass 59) or seconds, up to three decimals"),
  clip_end: timestamp("clip_end").optional().describe("As `clip_start`, and after it; either alone is fine"),
  live_recording: z.boolean().optional().describe("Sets itself for live URLs. Defaults to false"),
  live_from_start: z
    .boolean()
    .optional()
    .describe("Record from the stream's beginning, not from its live edge. Defaults to false"),
  max_duration: integer("max_duration", 1, 86_400)
    .optional()
    .describe("Recording cap of live streams in seconds. Defaults to 21600"),
  wait_for_video: z.boolean().optional().describe("Wait up to 24 h for a scheduled stream. Defaults to false"),
  storage: Storage.optional().describe(
    "Storage of your own for this request, probed before it is accepted. Defaults to the account's storage",
  ),
  paused: z.boolean().optional().describe("A batch is created but held; no effect on a single job. Defaults to false"),
  playlist: oneOf("playlist", PLAYLIST_MODES)
    .optional()
    .describe("Whether a list becomes a batch: `auto` where the URL says so, `always`, `never`. Defaults to `auto`"),
  playlist_limit: integer("playlist_limit", 1, 1_000)
    .optional()
    .describe("Most entries taken by an expansion. Defaults to 500"),
  priority: integer("priority", -10, 10)
    .optional()
    .describe("Higher first, among the account's own jobs. Defaults to 0"),
  tags: Tags.optional().meta({
    description: "At most 8 of `key=value`: only nodes that carry all of them may run the job. Defaults to none",
    maxItems: 8,
    items: { type: "string", maxLength: 64, pattern: TAG.source },
  }),
  metadata: Metadata.optional().describe(
    `The client's own JSON, at most ${MAX_METADATA_BYTES} bytes: echoed by the job and its webhooks, never interpreted`,
  ),
  cookies: Cookies.optional().meta({
    description:
      "Netscape cookie text, at most 65,536 bytes, each sent to the hosts of its domain alone. Sealed with the job, erased when it ends, neither echoed nor kept for a retry",
    maxLength: MAX_COOKIES_BYTES,
    writeOnly: true,
  }),
  subtitle_languages: SubtitleLanguages.optional().meta({
    description:
      "At most 8 BCP 47 tags, one file each, with `download_subtitles`; `en` finds `en-US` too. Defaults to one file by the rule of choice",
    maxItems: MAX_SUBTITLE_LANGUAGES,
    items: { type: "string", pattern: LANGUAGE_TAG.source },
  }),
  embed_metadata: z
    .boolean()
    .optional()
    .describe("Tags, chapters and cover inside the file, as far as its container can hold them. Defaults to false"),
  format_id: FormatId.optional().describe(
    "A format of the source, or picture and sound as `137+140`; beats `max_resolution`",
  ),
});

/** The one rule over two fields. */
export function clipIsForward(body: { clip_start?: unknown; clip_end?: unknown }): boolean {
  const start = clipSeconds(body.clip_start);
  const end = clipSeconds(body.clip_end);
  return start === null || end === null || end > start;
}

/** Told beside other bad fields too: both ends only have to be times. */
export const CLIP_RULE = { error: "clip_end must be greater than clip_start", path: ["clip_end"], when: () => true };

export const CreateJobBody = JobFields.refine(clipIsForward, CLIP_RULE).meta({
  id: "CreateJob",
  description: "What to fetch, and how.",
  examples: [
    {
      url: "https://www.youtube.com/watch?v=v1",
      format: "mp4",
      max_resolution: "1080",
      folder: "talks",
      webhook_url: "https://hooks.example.com/in",
    },
  ],
});
export type CreateJobBody = z.infer<typeof CreateJobBody>;
