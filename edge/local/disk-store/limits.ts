/** Limits of the disk store service. */
import { MIB, PART_PROXIED_MAX_MIB } from "../../../shared/limits.ts";

/** A commit of 10,000 parts is about 1.3 MB of JSON. */
export const MAX_CONTROL_BODY_BYTES = 4 * MIB;
/** A part that stands still for so long is cut. */
export const PART_IDLE_MS = 60_000;
export const HEADERS_TIMEOUT_MS = 10_000;
/** workerd and undici keep idle connections for 5 s; closing at the same moment would lose their next call. */
export const KEEP_ALIVE_MS = 75_000;
export const MAX_HEADER_BYTES = 16 * 1024;
/** Open sockets: nodes × slots × parts in parallel, with room to spare. */
export const MAX_CONNECTIONS = 1_024;

/** Bytes of an upload that may wait in memory for the disk before they are sent there. */
export const WRITE_BACK_BYTES = 64 * MIB;
/** Read size for hashing and for serving files. */
export const READ_CHUNK_BYTES = MIB;

/**
 * How much of a refused body is still read, so that the client gets the answer and not a reset: a whole part if its
 * signature was good, little from a stranger.
 */
export const LINGER_SIGNED_BYTES = PART_PROXIED_MAX_MIB * MIB;
export const LINGER_STRANGER_BYTES = MIB;

/** Uploads that nobody touched for so long are swept. */
export const ABANDONED_AFTER_MS = 24 * 60 * 60_000;
/** Uploads that may be open at once; each costs two small files and some memory. */
export const MAX_OPEN_UPLOADS = 50_000;

/** A commit is remembered for repeats at least this long … */
export const COMMIT_KEPT_MS = 60 * 60_000;
/** … and at least while it is among the newest, however long the host was switched off in between. */
export const COMMITS_KEPT_MIN = 1_000;
/** Never more than these. */
export const COMMITS_KEPT_MAX = 100_000;

/** Suffixes tried for one name before it counts as taken. */
export const MAX_SUFFIX = 9_999;
/** Folders whose names are kept in memory. */
export const FOLDED_FOLDERS_KEPT = 16;
/** Rounds of making folders and linking, when someone else removes a folder in between. */
export const PLACE_TRIES = 5;
