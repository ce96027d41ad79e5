/** Limits of the direct fetch. */
import { MIB } from "../../shared/limits.ts";

/** Connections of one file at once, where the server gives ranges. */
export const MAX_CONNECTIONS_PER_FILE = 4;
/** Connections of this node to one host at once, all jobs together: more is not polite, and gets a node blocked. */
export const MAX_CONNECTIONS_PER_HOST = 8;

/** The first question, by which a server shows whether it gives ranges; smaller files are done with it. */
export const FIRST_RANGE_BYTES = 2 * MIB;
/** One range: not so small that the round trips count, not so large that the last one keeps the others waiting. */
export const MIN_RANGE_BYTES = 2 * MIB;
export const MAX_RANGE_BYTES = 64 * MIB;

/** Nothing arrives for so long: the connection is dead. As long as yt-dlp bears it. */
export const STALL_TIMEOUT_MS = 20_000;
/** Redirects of one request. */
export const MAX_FETCH_REDIRECTS = 8;
/** Failures of one range, one after another, none of which brought {@link PROGRESS_BYTES}. */
export const MAX_FAILURES_IN_A_ROW = 5;
/** A connection that was cut after so many bytes was worth its while. */
export const PROGRESS_BYTES = 256 * 1024;
/** Repeats of one file, whatever they brought: a server may cut each connection. */
export const MAX_REPEATS = 100;
/** Times that a file is begun, because it changed meanwhile, or cannot be taken up where it was cut. */
export const MAX_STARTS = 4;
/** A longer `Retry-After` is not waited for here: the job goes back to the queue with it. */
export const MAX_RETRY_AFTER_MS = 30_000;

/** Progress is told this often. */
export const PROGRESS_INTERVAL_MS = 250;
/** Speed is that of the last so many milliseconds. */
export const SPEED_WINDOW_MS = 4_000;
/** A cookie file holds no more than this (jobs API 3.1: 64 KiB of cookies). */
export const MAX_COOKIE_FILE_BYTES = 256 * 1024;
