/** Downloads the planned formats side by side: picture and sound often come from hosts that limit each connection. */
import { sizeFailure } from "./failure.ts";
import { planClip } from "./plan/steps.ts";
import type { MediaDeps, MediaEvents, MediaRequest } from "./run-attempt.ts";
import { downloadSection, type Section } from "./section.ts";
import type { SourceFormat } from "./source.ts";
import type { DownloadProgress } from "./ytdlp/port.ts";

export interface DownloadedAll {
  /** In the order of the formats. */
  paths: string[];
  /** The first time stamp of each whole source, where only a part of it was fetched; else null. */
  zeros: (number | null)[];
  milliseconds: number;
  /** 10^6 bytes a second, one decimal. */
  megabytesPerSecond: number | null;
  retries: number;
}

/** The first failure ends the others; it is thrown when all of them have gone. */
export async function downloadAll(
  request: MediaRequest,
  formats: readonly SourceFormat[],
  deps: MediaDeps,
  events: MediaEvents,
  signal: AbortSignal,
): Promise<DownloadedAll> {
  const began = performance.now();
  const { dir, proxyUrl, groups, cookiesFile, maxFilesizeBytes: maxBytes } = request;
  const clip = planClip(request.options);
  const siblings = new AbortController();
  const progress: (DownloadProgress | null)[] = formats.map(() => null);
  let failure: { error: unknown } | null = null;
  const context = { dir, proxyUrl, groups, cookiesFile, signal: AbortSignal.any([signal, siblings.signal]) };
  const results = await Promise.all(
    formats.map(async (format, at): Promise<Section | null> => {
      const onProgress = (now: DownloadProgress): void => {
        progress[at] = now;
        events.onProgress(sum(progress));
      };
      try {
        const wanted = { formatId: format.id, fileName: `source-${at}`, maxBytes, onProgress };
        const section = clip === null ? null : await downloadSection(format, clip, wanted, deps, context);
        return section ?? { ...(await deps.ytdlp.download(wanted, context)), zero: null };
      } catch (error) {
        failure ??= { error };
        siblings.abort();
        return null;
      }
    }),
  );
  if (failure !== null) throw (failure as { error: unknown }).error;
  const done = results.filter((one) => one !== null);
  const bytes = done.reduce((all, one) => all + one.size, 0);
  if (maxBytes !== null && bytes > maxBytes) throw sizeFailure(maxBytes);
  const milliseconds = Math.round(performance.now() - began);
  return {
    paths: done.map((one) => one.path),
    zeros: done.map((one) => one.zero),
    milliseconds,
    megabytesPerSecond: milliseconds === 0 ? null : Math.round(bytes / milliseconds / 100) / 10,
    retries: done.reduce((all, one) => all + one.retries, 0),
  };
}

/** One bar for all: by bytes where all sizes are known, else the mean of the fractions. */
function sum(all: readonly (DownloadProgress | null)[]) {
  const total = add(all.map((one) => one?.totalBytes ?? null));
  const bytes = add(all.map((one) => (one === null ? 0 : one.bytes)));
  const fractions = add(all.map((one) => (one === null ? 0 : one.fraction)));
  const byBytes = all.length > 1 && total !== null && bytes !== null && total > 0;
  const etas = all.flatMap((one) => one?.etaSeconds ?? []);
  return {
    fraction: byBytes ? Math.min(1, bytes / total) : fractions === null ? null : fractions / all.length,
    bytes,
    total_bytes: total,
    speed_bytes_per_second: all.some((one) => one?.speedBytesPerSecond != null)
      ? all.reduce((speed, one) => speed + (one?.speedBytesPerSecond ?? 0), 0)
      : null,
    eta_seconds: etas.length === 0 ? null : Math.max(...etas),
  };
}

function add(values: readonly (number | null)[]): number | null {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}
