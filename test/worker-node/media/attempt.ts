/** Both calls of an attempt, look and production, with plain defaults: no limits, no proxy, nobody who listens. */
import type { JobOptions } from "../../../shared/contract/options.ts";
import {
  extractMedia,
  type MediaDeps,
  type MediaRequest,
  produceMedia,
} from "../../../worker-node/media/run-attempt.ts";
import { jobOptions } from "../../job-options.ts";

/** What is asked of an attempt for one address, working in `dir`. */
export function mediaRequest(
  url: string,
  dir: string,
  options: Partial<JobOptions> = {},
  more: Partial<MediaRequest> = {},
): MediaRequest {
  const unbounded = { proxyUrl: null, maxFilesizeBytes: null, maxDurationSeconds: null };
  return { url, options: jobOptions(options), dir, ...unbounded, ...more };
}

/** A signal that nobody gives. */
export const never = (): AbortSignal => new AbortController().signal;

type Events = Parameters<typeof produceMedia>[3];
const NOBODY_LISTENS: Events = { onStep: () => {}, onProgress: () => {} };

/**
 * What was found and what was made of it.
 *
 * @throws Error where the address is a list.
 */
export async function runMedia(request: MediaRequest, deps: MediaDeps, events = NOBODY_LISTENS, signal = never()) {
  const found = await extractMedia(request, deps, signal);
  if (found.kind === "list") throw new Error("a list");
  const made = await produceMedia(request, found.source, deps, events, signal);
  return { ...made, info: found.info };
}
