/**
 * Every number that the edge and the nodes must agree on, with its unit in its name.
 * Sources: DESIGN section 3 (clocks), jobs API 1.2–1.4, 3.1, 11, 12.
 */

/** One heartbeat keeps all leases of a node session alive for this long. `TRAWL_LEASE_TTL_MS` overrides it. */
export const LEASE_TTL_MS = 60_000;
/** A hand-out that is not confirmed within this share of the TTL goes back to the queue (15 s of 60 s). */
export const OFFER_TTL_SHARE = 1 / 4;
/** Heartbeat interval as a share of the TTL (20 s of 60 s): two may be lost before the lease ends. */
export const HEARTBEAT_SHARE = 1 / 3;
/** A reaper that runs later than this share of the TTL after its due time was itself away (late reaper rule). */
export const REAPER_LATE_SHARE = 1 / 6;
/** Fallback poll for work, jittered, as a share of the TTL (30 s of 60 s): a ring is only a hint. */
export const POLL_SHARE = 1 / 2;

/** One attempt may run this long. `TRAWL_DEADLINE_MS` overrides it. */
export const ATTEMPT_DEADLINE_MS = 2 * 60 * 60_000;
/** A live recording without `max_duration` ends after this (jobs API 3.1). */
export const LIVE_CAP_SECONDS = 21_600;
/** What an attempt that records has beside the recording: to look, convert and upload (jobs API 12). */
export const LIVE_DEADLINE_EXTRA_MS = 30 * 60_000;

/** `waiting` (a stream that has not begun) ends after this. */
export const WAIT_FOR_VIDEO_MS = 24 * 60 * 60_000;
/** How long a waiting job rests between two looks at its stream, around the announced start … */
export const WAIT_RECHECK_MS = 60_000;
/** … and once that (or the first look, where nothing is announced) is this long ago … */
export const WAIT_PATIENT_AFTER_MS = 60 * 60_000;
/** … and before the announced start, which may be moved forward: the longest rest of all. */
export const WAIT_RECHECK_MAX_MS = 10 * 60_000;
/** The furthest announced start that a node tells; nobody waits for one nearly that far away. */
export const MAX_STARTS_IN_SECONDS = 366 * 86_400;

/** Commits of a finished upload are retried this long; then the attempt fails with class `storage`. */
export const FINISHING_LIMIT_MS = 10 * 60_000;
/** … and at least this often; ten minutes of the back-off below are 24 tries. */
export const FINISHING_MIN_TRIES = 20;
/** First delay between two commit tries; doubles up to `COMMIT_RETRY_MAX_MS`. */
export const COMMIT_RETRY_MIN_MS = 500;
export const COMMIT_RETRY_MAX_MS = 30_000;
/** A commit that has neither succeeded nor failed by then may have died with the object: it is asked for again. */
export const COMMIT_CHECK_MS = 5_000;

/** How long a retired job's winner may repeat its report and hear the stored outcome. */
export const OUTCOME_MEMORY_MS = 24 * 60 * 60_000;
/** How long an idempotency key is kept. */
export const IDEMPOTENCY_KEPT_MS = 24 * 60 * 60_000;
/** A create that holds an idempotency key and never answered lets go of it after this. */
export const IDEMPOTENCY_RUNNING_MS = 90_000;

/** How long a create or cancel waits for its event to reach D1 before it answers 503. */
export const GROUP_COMMIT_WAIT_MS = 5_000;
/** How long a list waits for the account's events to reach D1. */
export const BARRIER_WAIT_MS = 2_000;
/** How long a question about how things are waits for D1, and for each partition; then the answer goes without it. */
export const HEALTH_WAIT_MS = 2_000;
/** How long an order of the operator waits for a partition to take it. */
export const ORDER_WAIT_MS = 10_000;
/** One drain flight takes at most so many events … */
export const DRAIN_MAX_EVENTS = 500;
/** … and so many bytes of JSON; a D1 value may hold 2 MB. */
export const DRAIN_MAX_BYTES = 1_000_000;
/** Events kept per account for `Last-Event-ID`, beyond what the cursors still need. */
export const EVENTS_KEPT_PER_ACCOUNT = 1_000;
/** Rows that one alarm run handles per kind of due work. */
export const ALARM_MAX_ROWS = 500;

/** Progress interval while someone watches or has read the job lately / otherwise. */
export const PROGRESS_WATCHED_MS = 1_000;
export const PROGRESS_UNWATCHED_MS = 10_000;
/** A read of a job counts as watching for this long. */
export const WATCHED_AFTER_READ_MS = 15_000;

/** Jobs handed out by one lease call. */
export const MAX_LEASE_JOBS = 32;
/** Downloads from one source host that one node runs at once (politeness). `TRAWL_MAX_PER_HOST`; 0: any number. */
export const MAX_PER_HOST = 4;
/** A lease request id is remembered this long, so that its repeat gets the same jobs. */
export const LEASE_REPEAT_MS = 60_000;
/** Largest JSON frame on the node socket, bytes. */
export const MAX_FRAME_BYTES = 1_048_576;
/** Largest answer to an interactive call, bytes. */
export const MAX_CALL_ANSWER_BYTES = 4 * 1_048_576;
/** Largest JSON request body, bytes (jobs API 1.2). */
export const MAX_BODY_BYTES = 1_048_576;

/** Tries of all failure classes together (jobs API 12). */
export const MAX_TRIES_TOTAL = 5;
/** A node that reports so many faults of its own in a row gets no more work until the operator says so. */
export const MAX_NODE_FAULTS = 3;
/** Why a node takes no work, in its words: code points. */
export const MAX_NODE_REASON_LENGTH = 200;
/** Back-off: random between 0 and min(MAX, BASE × 3^n). */
export const BACKOFF_BASE_MS = 5_000;
export const BACKOFF_MAX_MS = 15 * 60_000;
/** After a bot check or a 429 without `Retry-After` a (node, host) pair rests this long. */
export const COOL_DOWN_MS = 60_000;

export const MAX_URL_LENGTH = 4_096;
export const MAX_FILENAME_LENGTH = 255;
export const MAX_FOLDER_LENGTH = 200;
/** A sanitised name, without its extension (jobs API 11.1). */
export const MAX_NAME_BYTES = 200;
export const MAX_TITLE_LENGTH = 500;
export const MAX_DESCRIPTION_LENGTH = 5_000;
export const MAX_ERROR_LENGTH = 500;
/** Files that one attempt may deliver. */
export const MAX_FILES_PER_JOB = 32;
/** Of a path that a node's yt-dlp has made of an output template. */
export const MAX_FILE_NAME_LENGTH = 1_000;
/** Of the name of a step of yt-dlp's. */
export const MAX_POSTPROCESSOR_LENGTH = 50;

/** Queue admission defaults (jobs API 1.3). `TRAWL_MAX_PENDING`, `TRAWL_MAX_PARTITION_READY`. */
export const MAX_PENDING_PER_ACCOUNT = 10_000;
export const MAX_PARTITION_READY = 200_000;
/** Rate bucket per key: requests a second; the burst is twice that. `TRAWL_RATE`. */
export const RATE_PER_SECOND = 50;

/** Upload parts: 1 MiB steps between 8 and 640 MiB, at most 9,000 planned parts (DESIGN section 6). */
export const MIB = 1_048_576;
export const PART_MIN_MIB = 8;
export const PART_MAX_MIB = 640;
/** Parts that pass through the Worker stay under its 100 MB request limit. */
export const PART_PROXIED_MAX_MIB = 95;
/** Part size when the length is not known yet. */
export const PART_UNKNOWN_MIB = 16;
export const PLANNED_PARTS = 9_000;
export const MAX_PARTS = 10_000;
/** An upload's id holds the store's own, which S3 does not limit; those of R2 are some 350 characters. */
export const MAX_UPLOAD_ID_LENGTH = 2_048;
/** Part URLs handed out at once, and how long each lives. */
export const TICKET_URLS = 64;
export const TICKET_URL_TTL_MS = 15 * 60_000;

/** File URLs live this long from the read that made them (jobs API 11.2). */
export const FILE_URL_TTL_MS = 24 * 60 * 60_000;
/** A node's session key; heartbeats answer with a fresh one before it ends. */
export const SESSION_KEY_TTL_MS = 60 * 60_000;
/** A registration or session nonce. */
export const NONCE_TTL_MS = 60_000;
