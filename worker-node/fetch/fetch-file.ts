/**
 * Fetches one file by HTTP: with several connections at once where the server gives ranges of bytes that are known to be
 * the same, with one otherwise. A cut connection goes on at the byte; a file that changed meanwhile is begun again.
 *
 * Some hosts give each connection so much and no more; four then are four times as fast (docs/decisions/080).
 */
import type { FileHandle } from "node:fs/promises";
import { callDelay } from "../fleet/backoff.ts";
import type { DownloadProgress } from "../media/ytdlp/port.ts";
import type { CookieJar } from "./cookies.ts";
import { EntityFetch } from "./entity.ts";
import { FetchError, StartOver } from "./fetch-error.ts";
import { MAX_CONNECTIONS_PER_FILE, MAX_STARTS, STALL_TIMEOUT_MS } from "./limits.ts";
import { Meter } from "./meter.ts";
import { writeNewFile } from "./new-file.ts";
import { type FetchWay, sourceHeaders } from "./send.ts";

export interface FetchRequest {
  url: string;
  /** As the source's page gave them. Cookies among them are not sent: those come from `cookies`, by domain. */
  headers: Readonly<Record<string, string>>;
  cookies: CookieJar;
  /** Absolute; must not exist. Gone again if the fetch fails. */
  path: string;
  /** `FetchError` of reason `too-large` as soon as it is known that there is more. */
  maxBytes: number | null;
  /** The server slows down longer ranges (yt-dlp's `http_chunk_size`). */
  maxRangeBytes: number | null;
  onProgress(progress: DownloadProgress): void;
  /** Called once the size is known, before the first byte is written; what it throws ends the fetch. */
  ensureRoom?(bytes: number | null): Promise<void>;
  signal: AbortSignal;
}

/** Defaults to the named limits; tests need not wait so long. */
export interface FetchTuning {
  connections?: number;
  stallMs?: number;
  /** Milliseconds to wait after the n-th failure in a row. */
  backoffMs?: (failures: number) => number;
}

export interface Fetched {
  size: number;
  /** Repeats of single questions and of the whole. */
  retries: number;
  /** Most connections that were in use at once. */
  connections: number;
}

/**
 * @throws FetchError; the signal's reason when aborted; what the file system throws.
 * @example const { size } = await fetchFile(attempt.direct, { url, headers, cookies, path: join(dir, "source-0"), … });
 */
export async function fetchFile(way: FetchWay, request: FetchRequest, tuning: FetchTuning = {}): Promise<Fetched> {
  return writeNewFile(request.path, (file) => fetchInto(file, way, request, tuning));
}

async function fetchInto(
  file: FileHandle,
  way: FetchWay,
  request: FetchRequest,
  tuning: FetchTuning,
): Promise<Fetched> {
  const start = { url: new URL(request.url), headers: sourceHeaders(request.headers) };
  const meter = new Meter(request.onProgress);
  let retries = 0;
  let ranges = true;
  for (let starts = 1; ; starts++) {
    const entity = new EntityFetch({
      way,
      file,
      start,
      meter,
      // The last try is a plain one: some servers answer each range with another validator.
      ranges: ranges && starts < MAX_STARTS,
      cookies: request.cookies,
      maxBytes: request.maxBytes,
      maxRangeBytes: request.maxRangeBytes,
      ensureRoom: request.ensureRoom ?? (async () => {}),
      signal: request.signal,
      connections: tuning.connections ?? MAX_CONNECTIONS_PER_FILE,
      stallMs: tuning.stallMs ?? STALL_TIMEOUT_MS,
      backoffMs: tuning.backoffMs ?? callDelay,
    });
    try {
      const { size, connections } = await entity.run();
      // One that was longer may lie under it.
      await file.truncate(size);
      meter.end();
      return { size, connections, retries: retries + entity.repeats };
    } catch (error) {
      if (!(error instanceof StartOver)) throw error;
      if (starts >= MAX_STARTS) throw new FetchError("network", error.message, { cause: error });
      ranges &&= error.ranges;
      retries += entity.repeats + 1;
      await file.truncate(0);
    }
  }
}
