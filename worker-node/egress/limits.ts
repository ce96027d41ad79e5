/** Limits of the egress guard. */

/** A name that is not resolved by then counts as unresolvable. */
export const RESOLVE_TIMEOUT_MS = 10_000;
/** TCP (and TLS) must be up by then. */
export const DIAL_TIMEOUT_MS = 15_000;
/** A connection on which nothing moves for so long is cut. */
export const IDLE_TIMEOUT_MS = 120_000;
/** Addresses of one name that are tried; a name may have hundreds. */
export const MAX_ADDRESSES = 8;

export const MAX_HEADER_BYTES = 64 * 1024;
export const HEADERS_TIMEOUT_MS = 10_000;
/** Longer than any client keeps an idle connection, so that it never sends into one that is being closed. */
export const KEEP_ALIVE_MS = 75_000;
/** Connections into the proxy, all attempts together. */
export const MAX_CONNECTIONS = 2_048;
/** Connections out of the proxy for one attempt: yt-dlp's parallel fragments, with room to spare. */
export const MAX_CONNECTIONS_PER_ATTEMPT = 128;
/** Refusals remembered for one attempt. */
export const MAX_REFUSALS_KEPT = 16;

/** Redirects that a guarded fetch follows. */
export const MAX_REDIRECTS = 5;
