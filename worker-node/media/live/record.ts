/** Records a live stream: its playlists side by side, until it ends or there is enough, and one file of it all. */
import { liveCapSeconds } from "../../../shared/live-cap.ts";
import { guardedFetch } from "../../egress/fetch.ts";
import type { DownloadedAll } from "../download.ts";
import { MediaFailure } from "../failure.ts";
import type { MediaDeps, MediaEvents, MediaRequest, StepProgress } from "../run-attempt.ts";
import type { SourceFormat, SourceInfo } from "../source.ts";
import { type FormatAddress, formatAddress } from "../ytdlp/format-address.ts";
import { liveHttp } from "./http.ts";
import { joinRuns } from "./join.ts";
import { FILE_LIMIT_SHARE, resolveLiveTimes } from "./limits.ts";
import { recordTrack, type Track } from "./track.ts";

const HLS = /^m3u8(?:_native)?$/;
const NOT_HLS = "This live stream is not offered as HLS, the only kind that can be recorded";

/**
 * The source as far as it can be recorded: its HLS formats, without subtitles, whose playlists have no end either.
 *
 * @throws MediaFailure `unsupported`
 */
export function recordable(source: SourceInfo): SourceInfo {
  const formats = source.formats.filter((format) => HLS.test(format.protocol));
  if (formats.length === 0 && source.formats.length > 0) throw new MediaFailure("unsupported", NOT_HLS);
  return { ...source, formats, subtitles: [] };
}

/**
 * @param formats HLS, one or two: a picture (with or without its sound), a sound.
 * @throws MediaFailure when nothing was recorded, and what an abort of `signal` means.
 */
export async function recordLive(
  request: MediaRequest,
  formats: readonly SourceFormat[],
  deps: MediaDeps,
  events: MediaEvents,
  signal: AbortSignal,
): Promise<DownloadedAll> {
  const began = performance.now();
  const { dir, options, maxFilesizeBytes, maxDurationSeconds } = request;
  const times = resolveLiveTimes(deps.live);
  const capSeconds = liveCapSeconds(options, maxDurationSeconds);
  const onNote: NonNullable<MediaEvents["onNote"]> = (note, fields) => events.onNote?.(note, fields);
  const guarded = guardedFetch(deps.egress);
  // By the clock, too: a stream that stalls again and again must not outlast its attempt.
  const enough = new AbortController();
  const timer = setTimeout(() => enough.abort(), Math.min(capSeconds * 1000, MAX_TIMER_MS));
  const stop = AbortSignal.any([enough.signal, request.endRecording].filter((one) => one !== undefined));
  const progress = new Progress(formats.length, options.max_duration === null ? null : capSeconds, events);
  const looked = renewer(request, deps, signal);
  const siblings = new AbortController();
  const ended = AbortSignal.any([signal, siblings.signal]);
  let failure: { error: unknown } | null = null;
  try {
    const tracks = await Promise.all(
      formats.map(async (format, at): Promise<Track | null> => {
        try {
          const address = await addressOf(dir, format.id);
          return await recordTrack({
            ...{ dir, name: `live-${at}`, url: address.url, times, capSeconds, stop, onNote },
            http: liveHttp(guarded, address.headers, times.requestIdleMs),
            renew: () => looked(format.id),
            fromStart: options.live_from_start,
            isFull: () => maxFilesizeBytes !== null && progress.bytes >= maxFilesizeBytes * FILE_LIMIT_SHARE,
            splitAtGaps: formats.length === 1,
            signal: ended,
            onProgress: (now) => progress.set(at, now),
          });
        } catch (error) {
          failure ??= { error };
          siblings.abort();
          return null;
        }
      }),
    );
    if (failure !== null) throw (failure as { error: unknown }).error;
    const recorded = tracks.filter((track) => track !== null);
    for (const { end, seconds, bytes, gaps, runs } of recorded)
      onNote("recording.ended", { end, seconds: Math.round(seconds), bytes, gaps, runs: runs.length });
    const milliseconds = Math.round(performance.now() - began);
    const bytes = recorded.reduce((sum, track) => sum + track.bytes, 0);
    const path = await joinRuns(
      recorded.map((track) => track.runs),
      { request, deps, signal, onNote },
    );
    return {
      paths: [path],
      zeros: [null],
      direct: false,
      ways: 1,
      milliseconds,
      megabytesPerSecond: milliseconds === 0 ? null : Math.round(bytes / milliseconds / 100) / 10,
      retries: recorded.reduce((sum, track) => sum + track.retries, 0),
    };
  } finally {
    clearTimeout(timer);
    await guarded.close();
  }
}

/** Node's timers know no more than 2^31 − 1 ms; a day is less. */
const MAX_TIMER_MS = 2 ** 31 - 1;

async function addressOf(dir: string, formatId: string): Promise<FormatAddress> {
  const address = await formatAddress(dir, formatId);
  if (address === null) throw new MediaFailure("unsupported", "Requested format is not available");
  return address;
}

/** Looks at the page again; two playlists that ask at the same time share one look. */
function renewer(request: MediaRequest, deps: MediaDeps, signal: AbortSignal) {
  const { url, dir, proxyUrl, groups, options } = request;
  let looking: Promise<boolean> | null = null;
  const look = async (): Promise<boolean> => {
    try {
      const asked = { url, playlist: options.playlist, listLimit: 1 };
      const found = await deps.ytdlp.extract(asked, { dir, proxyUrl, signal, groups });
      return found.kind === "single" && found.source.live === "now";
    } catch {
      // The page says that the stream is over, or nothing: either way there is no new address.
      return false;
    }
  };
  return async (formatId: string): Promise<string | null> => {
    looking ??= look().finally(() => {
      looking = null;
    });
    return (await looking) ? ((await formatAddress(dir, formatId))?.url ?? null) : null;
  };
}

/** By time, where the client has said how much it wants; a stream tells no end of its own. */
class Progress {
  readonly #began = performance.now();
  readonly #tracks: { seconds: number; bytes: number }[];
  readonly #capSeconds: number | null;
  readonly #events: MediaEvents;

  constructor(count: number, capSeconds: number | null, events: MediaEvents) {
    this.#tracks = Array.from({ length: count }, () => ({ seconds: 0, bytes: 0 }));
    this.#capSeconds = capSeconds;
    this.#events = events;
    events.onProgress(this.#now());
  }

  set(at: number, now: { seconds: number; bytes: number }): void {
    this.#tracks[at] = now;
    this.#events.onProgress(this.#now());
  }

  /** Of all playlists. */
  get bytes(): number {
    return this.#tracks.reduce((sum, track) => sum + track.bytes, 0);
  }

  #now(): StepProgress {
    const { bytes } = this;
    const seconds = Math.min(...this.#tracks.map((track) => track.seconds));
    const elapsed = (performance.now() - this.#began) / 1000;
    const cap = this.#capSeconds;
    return {
      fraction: cap === null ? null : Math.min(1, seconds / cap),
      bytes,
      total_bytes: null,
      speed_bytes_per_second: elapsed > 0 && bytes > 0 ? bytes / elapsed : null,
      eta_seconds: cap === null ? null : Math.max(0, cap - seconds),
    };
  }
}
