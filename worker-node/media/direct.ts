/**
 * Formats that are one file behind one address are fetched by ourselves: several connections, resumed at the byte. All
 * others, and what our fetch cannot do, are left to yt-dlp's own downloader.
 */
import { join } from "node:path";
import { FetchError } from "../fetch/fetch-error.ts";
import { type FetchTuning, fetchFile } from "../fetch/fetch-file.ts";
import type { FetchWay } from "../fetch/send.ts";
import { directSource } from "./direct-source.ts";
import { ensureFreeDisk } from "./disk.ts";
import { abortFailure, MediaFailure, sizeFailure } from "./failure.ts";
import { classifyStatus } from "./failures.ts";
import type { Downloaded, DownloadRequest } from "./ytdlp/port.ts";

export interface DirectContext {
  dir: string;
  way: FetchWay;
  /** A Netscape file of the job's own cookies; null when it has none. */
  cookieFile: string | null;
  signal: AbortSignal;
  tuning?: FetchTuning | undefined;
}

/**
 * Fetches a format by ourselves. `unfit`: it is no single file, nothing was asked. `declined`: it was tried, and another
 * downloader may get what we did not (a site that looks at the TLS handshake, say).
 *
 * @throws MediaFailure
 */
export async function downloadDirect(
  request: DownloadRequest,
  context: DirectContext,
): Promise<Downloaded | "unfit" | "declined"> {
  const { dir, way, signal, tuning } = context;
  const source = await directSource(dir, request.formatId, context.cookieFile);
  if (source === null) return "unfit";
  const path = join(dir, request.fileName);
  try {
    const { size, retries } = await fetchFile(
      way,
      {
        ...source,
        path,
        maxBytes: request.maxBytes,
        onProgress: request.onProgress,
        ensureRoom: (bytes) => ensureFreeDisk(dir, bytes),
        signal,
      },
      tuning,
    );
    if (size === 0) throw new MediaFailure("network", "The source sent an empty file");
    return { path, size, retries };
  } catch (error) {
    if (signal.aborted) throw abortFailure(signal);
    if (!(error instanceof FetchError)) throw error;
    return failureOf(error, request.maxBytes);
  }
}

function failureOf(error: FetchError, maxBytes: number | null): "declined" {
  if (error.reason === "refused") throw new MediaFailure("unsupported", "Unsupported URL");
  if (error.reason === "too-large") throw sizeFailure(maxBytes);
  if (error.reason === "network") throw new MediaFailure("network");
  const { status } = error;
  if (error.reason === "unsuitable" || status === null) return "declined";
  const final = status === 404 || status === 410 || status === 429 || status === 451 || status >= 500;
  if (final) throw classifyStatus("download", status, error.retryAfterMs);
  return "declined";
}
