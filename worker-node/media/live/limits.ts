/** Limits and patience of the live recorder. */

/** Nothing new for so long, and the stream counts as over: an encoder that restarts is back sooner. */
const SILENCE_MS = 120_000;
/** A connection on which nothing moves for so long is cut, and the request made again. */
const REQUEST_IDLE_MS = 15_000;
/** A segment that cannot be had for so long is left out. */
const SEGMENT_PATIENCE_MS = 30_000;
/** First wait before a request is repeated; doubles up to `RETRY_MAX_MS`. */
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 5_000;
/** Addresses run out: the page is looked at again for fresh ones, at most this often. */
const RENEW_MS = 30_000;
/** A playlist is never asked for more often than this, whatever it says of itself … */
const POLL_MIN_MS = 200;
/** … nor less often. */
const POLL_MAX_MS = 10_000;

/** How patient one recording is. */
export interface LiveTimes {
  silenceMs: number;
  requestIdleMs: number;
  segmentPatienceMs: number;
  retryFirstMs: number;
  retryMaxMs: number;
  renewMs: number;
  pollMinMs: number;
  pollMaxMs: number;
}

export function resolveLiveTimes(times: Partial<LiveTimes> = {}): LiveTimes {
  return {
    silenceMs: SILENCE_MS,
    requestIdleMs: REQUEST_IDLE_MS,
    segmentPatienceMs: SEGMENT_PATIENCE_MS,
    retryFirstMs: RETRY_FIRST_MS,
    retryMaxMs: RETRY_MAX_MS,
    renewMs: RENEW_MS,
    pollMinMs: POLL_MIN_MS,
    pollMaxMs: POLL_MAX_MS,
    ...times,
  };
}

/** A day of two-second segments in one playlist is 6 MB. */
export const MAX_PLAYLIST_BYTES = 16 * 1024 * 1024;
export const MAX_PLAYLIST_SEGMENTS = 100_000;
/** Ten seconds at 50 Mbit/s. It is held in memory until it is its turn to be written. */
export const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;
/** Segments fetched at once, to catch up with a stream that is recorded from its start. */
export const SEGMENTS_AHEAD = 3;
/** A player starts three segments before the edge (RFC 8216, 6.3.3): the last ones may not be everywhere yet. */
export const EDGE_SEGMENTS = 3;
/** Keys remembered; a stream uses one or two at a time. */
export const MAX_KEYS = 64;
/** Pieces with a timeline of their own; each costs one run of ffmpeg at the end. */
export const MAX_RUNS = 500;
/** Polls in a row that show a playlist behind what is recorded before it counts as a stream that began anew. */
export const BEHIND_POLLS = 5;
/** The index of the delivered file comes on top of what is recorded. */
export const FILE_LIMIT_SHARE = 0.97;
