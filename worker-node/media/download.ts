/** Downloads the planned formats side by side: picture and sound often come from hosts that limit each connection. */
import { downloadDirect } from "./direct.ts";
import { downloadClip } from "./direct-clip.ts";
import { sizeFailure } from "./failure.ts";
import { wantsAudioOnly } from "./plan/containers.ts";
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
  /** All of it was fetched by ourselves. */
  direct: boolean;
  /** Ways that were tried, one after another. */
  ways: number;
}

interface One extends Section {
  direct: boolean;
  ways: number;
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
  const shape = { soundOnly: wantsAudioOnly(request.options), apart: formats.length > 1 };
  const siblings = new AbortController();
  const progress: (DownloadProgress | null)[] = formats.map(() => null);
  let failure: { error: unknown } | null = null;
  const context = { dir, proxyUrl, groups, cookiesFile, signal: AbortSignal.any([signal, siblings.signal]) };
  const fail = (error: unknown): null => {
    failure ??= { error };
    siblings.abort();
    return null;
  };
  const download = async (format: SourceFormat, at: number): Promise<One> => {
    const onProgress = (now: DownloadProgress): void => {
      progress[at] = now;
      const all = sum(progress);
      events.onProgress(all);
      // Each alone may be within the limit.
      if (maxBytes !== null && (all.bytes ?? 0) > maxBytes) fail(sizeFailure(maxBytes));
    };
    const wanted = { formatId: format.id, fileName: `source-${at}`, maxBytes, onProgress };
    const section = clip === null ? null : await downloadSection(format, clip, wanted, deps, context);
    if (section !== null) return { ...section, direct: false, ways: 1 };
    const way = request.direct ?? null;
    const direct = way === null ? null : { ...context, way, cookieFile: cookiesFile ?? null };
    const part =
      clip === null || direct === null ? null : await downloadClip(format, { ...clip, ...shape }, wanted, deps, direct);
    if (part !== null) return { ...part, direct: true, ways: 1 };
    const own = direct === null ? "unfit" : await downloadDirect(wanted, direct);
    if (typeof own === "object") return { ...own, zero: null, direct: true, ways: 1 };
    const ways = own === "declined" ? 2 : 1;
    return { ...(await deps.ytdlp.download(wanted, context)), zero: null, direct: false, ways };
  };
  const results = await Promise.all(formats.map((format, at) => download(format, at).catch(fail)));
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
    direct: done.every((one) => one.direct),
    ways: Math.max(1, ...done.map((one) => one.ways)),
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
