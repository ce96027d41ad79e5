/**
 * Records one HLS playlist while it grows: polls it, fetches its segments in order, writes them down. It ends when the
 * stream does, when enough is recorded, or when it is told to; what it has by then is never lost to what happens later.
 */
import { pause } from "../../fleet/backoff.ts";
import { freeBytes } from "../disk.ts";
import { MediaFailure } from "../failure.ts";
import { type LiveHttp, LiveRequestError } from "./http.ts";
import { BEHIND_POLLS, EDGE_SEGMENTS, type LiveTimes, MAX_PLAYLIST_BYTES, MAX_RUNS, SEGMENTS_AHEAD } from "./limits.ts";
import { type LivePlaylist, type LiveSegment, parsePlaylist } from "./playlist.ts";
import { type Run, RunFiles } from "./run-files.ts";
import { type Fetched, retryWait, SegmentFetcher } from "./segments.ts";

/** `ended`: by the source; `silent`: nothing new for long; `cap`, `size`, `disk`: enough; `stopped`: told to. */
export type TrackEnd = "ended" | "silent" | "cap" | "size" | "disk" | "stopped" | "broken";

export interface TrackOptions {
  dir: string;
  /** Prefix of the files. */
  name: string;
  url: string;
  http: LiveHttp;
  times: LiveTimes;
  /** Looks at the page again and answers the playlist's new address; null: there is none. */
  renew: () => Promise<string | null>;
  fromStart: boolean;
  capSeconds: number;
  /** There is as much as the delivered file may have. */
  isFull: () => boolean;
  /** A hole in the media begins a new run, so that its time is left out too. */
  splitAtGaps: boolean;
  /** Ends the recording and keeps it. */
  stop: AbortSignal;
  /** Ends it and throws. */
  signal: AbortSignal;
  onProgress: (now: { seconds: number; bytes: number }) => void;
  onNote: (note: string, fields: Record<string, string | number>) => void;
}

export interface Track {
  runs: Run[];
  end: TrackEnd;
  seconds: number;
  bytes: number;
  retries: number;
  /** Segments that could not be had. */
  gaps: number;
}

/** What is left for the file that ffmpeg makes of the recording, beside the recording itself. */
const DISK_RESERVE_BYTES = 512 * 1024 * 1024;

/** @throws MediaFailure when nothing at all was recorded, or `signal`'s reason. */
export async function recordTrack(options: TrackOptions): Promise<Track> {
  const recorder = new TrackRecorder(options);
  try {
    return await recorder.run();
  } finally {
    await recorder.close();
  }
}

class TrackRecorder {
  readonly #options: TrackOptions;
  readonly #files: RunFiles;
  readonly #segments: SegmentFetcher;
  /** Either of the two that end it. */
  readonly #over: AbortSignal;
  #url: string;
  /** The sequence number that is wanted next; null before the first look. */
  #next: number | null = null;
  #grewAt = performance.now();
  #renewedAt = Number.NEGATIVE_INFINITY;
  #retryAfterMs: number | null = null;
  #behind = 0;
  /** A hole since the last segment that was written. */
  #torn = false;
  #anew = false;
  #map: Buffer | null = null;
  #seconds = 0;
  #bytes = 0;
  #retries = 0;
  #gaps = 0;
  /** Our own guard refused a segment. */
  #blocked = false;
  #lastProblem = "";

  constructor(options: TrackOptions) {
    this.#options = options;
    this.#url = options.url;
    this.#files = new RunFiles(options.dir, options.name);
    this.#segments = new SegmentFetcher(options.http, options.times);
    this.#over = AbortSignal.any([options.stop, options.signal]);
  }

  async run(): Promise<Track> {
    const { signal } = this.#options;
    let end: TrackEnd;
    try {
      end = await this.#follow();
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      // Whatever broke: what is on disk is the client's.
      if (this.#bytes === 0) throw error;
      this.#options.onNote("recording.broke", { error: String(error) });
      end = "broken";
    }
    if (signal.aborted) throw signal.reason;
    if (this.#bytes === 0) throw this.#nothing(end);
    const [seconds, bytes, retries, gaps] = [this.#seconds, this.#bytes, this.#retries, this.#gaps];
    return { runs: this.#files.runs, end, seconds, bytes, retries, gaps };
  }

  close(): Promise<void> {
    return this.#files.close();
  }

  #nothing(end: TrackEnd): MediaFailure {
    if (end === "disk") return new MediaFailure("disk");
    if (this.#blocked) return new MediaFailure("unsupported");
    return new MediaFailure("network", "The stream sent nothing that could be recorded");
  }

  async #follow(): Promise<TrackEnd> {
    const { times } = this.#options;
    for (let failures = 0; !this.#over.aborted; ) {
      const asked = performance.now();
      const playlist = await this.#load();
      let wait: number;
      if (playlist === null) {
        wait = this.#retryAfterMs ?? retryWait(failures++, times);
      } else {
        failures = 0;
        const before = this.#next;
        const end = await this.#take(playlist);
        if (end !== null) return end;
        // Unchanged: half a target duration later (RFC 8216, 6.3.4).
        const due = playlist.targetSeconds * 1000 * (this.#next === before ? 0.5 : 1);
        wait = Math.min(times.pollMaxMs, Math.max(times.pollMinMs, due)) - (performance.now() - asked);
      }
      if (performance.now() - this.#grewAt >= times.silenceMs) return "silent";
      if (wait > 0) await pause(wait, this.#over).catch(() => {});
    }
    return "stopped";
  }

  /** Null when it cannot be had now. */
  async #load(): Promise<LivePlaylist | null> {
    const { http } = this.#options;
    this.#retryAfterMs = null;
    try {
      const { bytes, url } = await http.get(this.#url, { maxBytes: MAX_PLAYLIST_BYTES, signal: this.#over });
      const parsed = parsePlaylist(bytes.toString("utf8"), url);
      if (!("problem" in parsed)) {
        this.#lastProblem = "";
        return parsed;
      }
      if (parsed.problem === "drm") throw new MediaFailure("drm");
      if (parsed.problem === "master" && this.#next === null)
        throw new MediaFailure("unsupported", "The stream's playlist cannot be read");
      this.#problem("not a media playlist");
      return null;
    } catch (error) {
      if (error instanceof MediaFailure) throw error;
      if (this.#over.aborted || !(error instanceof LiveRequestError)) return null;
      this.#problem(error.message);
      this.#retryAfterMs = error.retryAfterMs;
      if (error.kind === "blocked") throw new MediaFailure("unsupported");
      if (error.kind === "gone") await this.#renew();
      return null;
    }
  }

  /** Said once for each kind of trouble in a row. */
  #problem(message: string): void {
    if (message !== this.#lastProblem) this.#options.onNote("recording.playlist", { problem: message });
    this.#lastProblem = message;
  }

  /** The address has run out, or the stream is over: the page knows. */
  async #renew(): Promise<void> {
    const now = performance.now();
    if (now - this.#renewedAt < this.#options.times.renewMs) return;
    this.#renewedAt = now;
    const url = await this.#options.renew();
    if (url === null || url === this.#url) return;
    this.#options.onNote("recording.renewed", {});
    this.#url = url;
  }

  /** Everything new in it. Answers why the recording is over, if it is. */
  async #take(playlist: LivePlaylist): Promise<TrackEnd | null> {
    this.#next ??= this.#firstOf(playlist);
    this.#notice(playlist);
    const fresh = playlist.segments.filter((segment) => segment.sequence >= (this.#next ?? 0));
    const end = await this.#fetchAll(fresh);
    if (end !== null) return end;
    if (this.#over.aborted) return "stopped";
    return playlist.ended ? "ended" : null;
  }

  #firstOf({ segments, ended }: LivePlaylist): number {
    // A stream that ended while we looked has no edge any more: all of it is what there is.
    const at = this.#options.fromStart || ended ? 0 : Math.max(0, segments.length - EDGE_SEGMENTS);
    return segments[at]?.sequence ?? 0;
  }

  /** Segments that slid out of the window unseen, and an encoder that counts from the beginning again. */
  #notice({ segments }: LivePlaylist): void {
    const [first, last] = [segments[0], segments.at(-1)];
    const next = this.#next ?? 0;
    if (first === undefined || last === undefined) return;
    if (first.sequence > next) {
      this.#gap(next, first.sequence - 1, "it left the playlist before it was fetched");
      this.#next = first.sequence;
    }
    this.#behind = last.sequence + 1 < next ? this.#behind + 1 : 0;
    // A stale copy of the playlist is behind by little and not for long.
    if (last.sequence + 1 + segments.length < next || this.#behind >= BEHIND_POLLS) {
      this.#options.onNote("recording.restarted", { expected: next, found: first.sequence });
      this.#next = first.sequence;
      this.#behind = 0;
      this.#anew = true;
    }
  }

  async #fetchAll(segments: readonly LiveSegment[]): Promise<TrackEnd | null> {
    const ahead = new AbortController();
    const signal = AbortSignal.any([this.#over, ahead.signal]);
    const started: Promise<Fetched>[] = [];
    try {
      for (const [at, segment] of segments.entries()) {
        while (started.length < Math.min(segments.length, at + SEGMENTS_AHEAD)) {
          started.push(this.#segments.fetch(segments[started.length] ?? segment, signal));
        }
        const fetched = await (started[at] as Promise<Fetched>);
        if (fetched.kind === "stopped") return "stopped";
        const end = await this.#put(segment, fetched);
        // The memory of what is written goes at once.
        started[at] = Promise.resolve({ kind: "stopped" });
        if (end !== null) return end;
      }
      return null;
    } finally {
      ahead.abort();
      await Promise.all(started);
    }
  }

  async #put(segment: LiveSegment, fetched: Exclude<Fetched, { kind: "stopped" }>): Promise<TrackEnd | null> {
    const { capSeconds, isFull, dir, onProgress } = this.#options;
    this.#retries += fetched.retries;
    this.#next = segment.sequence + 1;
    if (fetched.kind === "gap") {
      this.#blocked ||= fetched.blocked;
      this.#gap(segment.sequence, segment.sequence, fetched.reason);
      return performance.now() - this.#grewAt >= this.#options.times.silenceMs ? "silent" : null;
    }
    if (this.#startsRun(segment, fetched.map)) {
      if (this.#files.runs.length >= MAX_RUNS) return "broken";
      await this.#files.begin(segment.discontinuity);
      if (fetched.map !== null) await this.#files.append(fetched.map, 0);
    }
    this.#map = fetched.map;
    this.#torn = false;
    this.#anew = false;
    await this.#files.append(fetched.bytes, segment.seconds);
    this.#grewAt = performance.now();
    this.#seconds += segment.seconds;
    this.#bytes += fetched.bytes.length;
    onProgress({ seconds: this.#seconds, bytes: this.#bytes });
    if (this.#seconds >= capSeconds) return "cap";
    if (isFull()) return "size";
    return (await freeBytes(dir)) < DISK_RESERVE_BYTES + this.#bytes ? "disk" : null;
  }

  #startsRun(segment: LiveSegment, map: Buffer | null): boolean {
    const run = this.#files.runs.at(-1);
    if (run === undefined || run.discontinuity !== segment.discontinuity || this.#anew) return true;
    const sameMap = map === null ? this.#map === null : this.#map?.equals(map) === true;
    return !sameMap || (this.#torn && this.#options.splitAtGaps);
  }

  #gap(from: number, to: number, reason: string): void {
    this.#torn = true;
    this.#gaps += to - from + 1;
    this.#options.onNote("recording.gap", { from, to, reason });
  }
}
