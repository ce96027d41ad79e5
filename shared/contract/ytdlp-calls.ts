/**
 * Calls about yt-dlp itself, and looks with a user's own options: the library API's. An optional part of the fleet
 * protocol: only a node that names it in its `features` is asked.
 */
import { z } from "zod";
import { MAX_COOKIES_BYTES } from "../netscape-cookies.ts";

/** In the `features` of a session: the node answers the calls of this file. */
export const YTDLP_CALLS = "ytdlp-calls";

/** Arguments of one command line. */
export const MAX_ARGUMENTS = 1_000;
/** All of them together, in characters: a frame is at most 1 MiB, and holds cookies too. */
export const MAX_ARGUMENTS_LENGTH = 65_536;
/** URLs of one question; more are asked in several. */
export const MAX_ARCHIVE_URLS = 100;
/** What yt-dlp said of a source that it could not look at. */
export const MAX_LOG_LINES = 20;
export const MAX_LOG_LINE_LENGTH = 2_000;

const url = z.string().max(4_096);
const text = (max: number) => z.string().max(max).nullable();
const anything = z.record(z.string(), z.unknown());
/**
 * A user's, already split, and checked by name: none runs a program, loads code, opens a file outside the job or passes
 * the egress guard by. A node checks that again with its own parser.
 */
const args = z.array(z.string().max(MAX_ARGUMENTS_LENGTH)).max(MAX_ARGUMENTS);
/** The parser's own complaint about the arguments; the other fields are then null. */
const refused = text(2_000);

export const YTDLP_REQUESTS = [
  /** Every option that yt-dlp shows. */
  z.object({ kind: z.literal("options") }),
  /** What yt-dlp's parser makes of arguments. */
  z.object({ kind: z.literal("parse_options"), args }),
  /** Archive ids by the address patterns of the extractors, without network. */
  z.object({ kind: z.literal("archive_ids"), urls: z.array(url).max(MAX_ARCHIVE_URLS) }),
  /** One look with a user's arguments and cookies: everything that yt-dlp says. */
  z.object({ kind: z.literal("info"), url, args, cookies: z.string().max(MAX_COOKIES_BYTES).optional() }),
] as const;

export const OptionsResult = z.object({
  kind: z.literal("options"),
  /** Of yt-dlp. */
  version: z.string().max(100),
  options: z
    .array(
      z.object({
        flags: z.array(z.string().max(100)).min(1).max(20),
        description: z.string().max(5_000),
        group: z.string().max(100),
      }),
    )
    .max(2_000),
});
export type OptionsResult = z.infer<typeof OptionsResult>;

export const ParseOptionsResult = z.object({
  kind: z.literal("parse_options"),
  /** Of yt-dlp. */
  version: z.string().max(100),
  refused,
  /** Names of yt-dlp's Python options whose value differs from the default. */
  opts: anything.nullable(),
  output_template: text(MAX_ARGUMENTS_LENGTH),
  download_path: text(MAX_ARGUMENTS_LENGTH),
  /** As it was given. */
  format: text(MAX_ARGUMENTS_LENGTH),
});
export type ParseOptionsResult = z.infer<typeof ParseOptionsResult>;

export const ArchiveIdsResult = z.object({
  kind: z.literal("archive_ids"),
  /** In the order of the URLs; nulls where no extractor but the generic one takes a URL, or no id stands in it. */
  ids: z.array(z.object({ id: text(4_096), ie_key: text(200), archive_id: text(4_400) })).max(MAX_ARCHIVE_URLS),
});
export type ArchiveIdsResult = z.infer<typeof ArchiveIdsResult>;

export const InfoResult = z.object({
  kind: z.literal("info"),
  refused,
  /** yt-dlp's sanitised info; the entries of a list are unopened. */
  info: anything.nullable(),
  /** Keys that were left out, because the answer would have been too large with them. */
  left_out: z.array(z.string().max(100)).max(50),
});
export type InfoResult = z.infer<typeof InfoResult>;

export const YTDLP_RESULTS = [OptionsResult, ParseOptionsResult, ArchiveIdsResult, InfoResult] as const;
