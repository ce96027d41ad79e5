/**
 * Interactive calls: a short question to a node with somebody waiting for the answer (DESIGN section 3). The question goes
 * over the socket, the answer comes back over HTTP; both may be lost, and the edge then asks one other node.
 */
import { z } from "zod";
import { MAX_COOKIES_BYTES } from "../netscape-cookies.ts";
import { FAILURE_CLASSES } from "./failures.ts";
import { MAX_LOG_LINE_LENGTH, MAX_LOG_LINES, YTDLP_CALLS, YTDLP_REQUESTS, YTDLP_RESULTS } from "./ytdlp-calls.ts";

const url = z.string().max(4_096);
const text = (max: number) => z.string().max(max).nullable();
const count = z.int().nonnegative().nullable();
/** Netscape text that the client sent with the create: for this one question, never kept. */
const cookies = z.string().max(MAX_COOKIES_BYTES).optional();

/** Most entries of one list that a call brings back. */
export const MAX_CALL_ENTRIES = 1_000;
/** Most formats of one item. */
const MAX_FORMATS = 500;

export const CallRequest = z.discriminatedUnion("kind", [
  /** One look at a URL: what it is, without a download. A list is described as itself. */
  z.object({ kind: z.literal("look"), url }),
  /** The entries of a list, in the source's order; a single item is a list of one. */
  z.object({ kind: z.literal("expand"), url, limit: z.int().min(1).max(MAX_CALL_ENTRIES), cookies }),
  /** The episodes of a Spotify show, each with the open audio that was found for it, if any. */
  z.object({ kind: z.literal("show"), url, limit: z.int().min(1).max(MAX_CALL_ENTRIES), cookies }),
  ...YTDLP_REQUESTS,
]);
export type CallRequest = z.infer<typeof CallRequest>;

/** The feature that a node must have named to be asked; null: every node answers. */
export const CALL_FEATURES: Readonly<Record<CallRequest["kind"], string | null>> = {
  look: null,
  expand: null,
  show: null,
  options: YTDLP_CALLS,
  parse_options: YTDLP_CALLS,
  archive_ids: YTDLP_CALLS,
  info: YTDLP_CALLS,
};

export const LookFormat = z.object({
  format_id: z.string().max(200),
  ext: text(20),
  height: count,
  width: count,
  fps: z.number().nonnegative().nullable(),
  filesize: count,
  vcodec: text(100),
  acodec: text(100),
  format_note: text(200),
});

export const LookResult = z.object({
  kind: z.literal("look"),
  title: text(500),
  /** Seconds. */
  duration: z.number().nonnegative().nullable(),
  width: count,
  height: count,
  /** The extractor's display name (`YouTube`). */
  extractor: text(100),
  uploader: text(500),
  thumbnail: text(4_096),
  description: text(5_000),
  view_count: count,
  like_count: count,
  /** `YYYYMMDD`. */
  upload_date: z
    .string()
    .regex(/^\d{8}$/)
    .nullable(),
  filesize_approx: count,
  is_live: z.boolean(),
  is_list: z.boolean(),
  /** Entries of a list, when known. */
  entry_count: count,
  /** Empty for a list. */
  formats: z.array(LookFormat).max(MAX_FORMATS),
});
export type LookResult = z.infer<typeof LookResult>;

export const ExpandedEntry = z.object({
  url,
  title: text(500),
  description: text(5_000),
  /** ISO 8601 UTC. */
  release_date: z.iso.datetime().nullable(),
  /** What the job downloads instead of `url` (a show's open audio); null: `url` itself. */
  media_url: url.nullable(),
  /** Why there is nothing to download; the job then ends `Skipped` with this text. */
  skip: text(200),
});

export const ExpandResult = z.object({
  kind: z.literal("expand"),
  title: text(500),
  entries: z.array(ExpandedEntry).max(MAX_CALL_ENTRIES),
  /** The source had more. */
  truncated: z.boolean(),
});
export type ExpandResult = z.infer<typeof ExpandResult>;

export const CallResult = z.discriminatedUnion("kind", [LookResult, ExpandResult, ...YTDLP_RESULTS]);
export type CallResult = z.infer<typeof CallResult>;

/** `POST /fleet/v1/partitions/<partition>/calls/<call>/answer`; 410 when nobody waits any more. */
export const CallAnswer = z.discriminatedUnion("ok", [
  z.object({ ok: z.literal(true), result: CallResult }),
  z.object({
    ok: z.literal(false),
    class: z.enum(FAILURE_CLASSES),
    message: z.string().max(2_000),
    /** To `info`: what the tool said, line by line. */
    log: z.array(z.string().max(MAX_LOG_LINE_LENGTH)).max(MAX_LOG_LINES).optional(),
  }),
]);
export type CallAnswer = z.infer<typeof CallAnswer>;
