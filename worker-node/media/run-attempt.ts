/**
 * The media half of one attempt, in two calls. STABLE INTERFACE: the session builds on this file alone.
 *
 *   const deps = mediaDeps(tools, await openInstalled({ tool: tools.ytdlp, … }));   // once per node
 *   const groups = recordGroups(dir, job, token);                                   // process/leftovers.ts
 *   const found = await extractMedia({ url, options, dir, proxyUrl, … , groups }, deps, signal);
 *   if (found.kind === "list") …report it; else report found.info (`extracted`), wait for "go", then
 *   const made = await produceMedia(request, found.source, deps, events, signal);   // files in `dir`, ready to upload
 *   await removeAttempt(dir);                                                       // when the upload is over
 *
 * Both throw `MediaFailure` and nothing else. Abort `signal` with a `MediaFailure` as the reason to say why (`timeout`,
 * `lost`); any other reason means `cancelled`. When they have settled, no process that they started is left.
 */

import type { EffectiveMedia, ExtractedInfo, FileKind, Telemetry } from "../../shared/contract/media.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import type { Refusal } from "../egress/attempt.ts";
import { type EgressOptions, isGuards } from "../egress/policy.ts";
import type { FetchWay } from "../fetch/send.ts";
import { isPlainFile, takeBack, takeFile } from "../process/confine.ts";
import { killMarked } from "../process/group.ts";
import type { GroupLog } from "../process/run.ts";
import type { Tool, Tools } from "../tools.ts";
import { watchingDisk } from "./disk.ts";
import { findSource } from "./extract.ts";
import { MediaFailure } from "./failure.ts";
import { classifyError } from "./failures.ts";
import { findByOptions } from "./library/look.ts";
import { produceByOptions } from "./library/produce.ts";
import type { LiveTimes } from "./live/limits.ts";
import { produce } from "./produce.ts";
import type { SourceInfo } from "./source.ts";
import { commandLineYtDlp } from "./ytdlp/command-line.ts";
import type { ListEntry, YtDlp } from "./ytdlp/port.ts";

export { MediaFailure } from "./failure.ts";

export interface MediaRequest {
  url: string;
  options: JobOptions;
  /** The attempt's own folder: absolute, existing, empty. Everything is written here, nothing is removed. */
  dir: string;
  /** The egress guard with this attempt's password; null only where nothing is to be guarded (tests). */
  proxyUrl: string | null;
  /** Netscape cookies that the client entrusted to the job, in `dir` (`cookies.ts`). */
  cookiesFile?: string | undefined;
  /** The same guard for our own fetches; without it yt-dlp downloads everything. */
  direct?: FetchWay | undefined;
  /** What that guard refused so far: a tool that fails over it may say anything. */
  refusals?: (() => readonly Refusal[]) | undefined;
  /** Limits of the account; null = none. */
  maxFilesizeBytes: number | null;
  maxDurationSeconds: number | null;
  /** Hears of process groups as they start and end. */
  groups?: GroupLog | undefined;
  /** Aborted to end a live recording early and deliver what there is. */
  endRecording?: AbortSignal | undefined;
}

export interface MediaDeps {
  ytdlp: YtDlp;
  ffmpeg: Tool;
  ffprobe: Tool;
  /** Waits for a `transcode` slot and answers its release; without it a re-encode starts at once. */
  transcodeSlot?: (signal: AbortSignal) => Promise<() => void>;
  /** Free bytes where a folder lies. Defaults to the file system's answer. */
  freeBytes?: (dir: string) => Promise<number>;
  /** What our own requests may reach. Defaults to public addresses. */
  egress?: EgressOptions;
  /** Patience of live recordings. Defaults to `live/limits.ts`. */
  live?: Partial<LiveTimes>;
}

export interface StepProgress {
  /** 0..1 of this step; null when unknown. */
  fraction: number | null;
  bytes: number | null;
  total_bytes: number | null;
  speed_bytes_per_second: number | null;
  eta_seconds: number | null;
  /** What yt-dlp calls the work that it is at. */
  postprocessor?: string;
}

export interface MediaEvents {
  /** `extract` is the caller's to tell; `mux` comes only when ffmpeg has work to do. */
  onStep(step: "extract" | "download" | "mux"): void;
  /** A few times a second; the caller thins it out. */
  onProgress(progress: StepProgress): void;
  /** For the log: what happened to a recording on its way, as `recording.gap`. */
  onNote?(note: string, fields: Record<string, string | number>): void;
}

export type Found =
  | { kind: "single"; info: ExtractedInfo; source: SourceInfo }
  | { kind: "list"; title: string | null; entries: ListEntry[]; truncated: boolean };

/** All of the telemetry that the media half knows; the upload adds the rest. */
export type MediaTelemetry = Omit<
  Telemetry,
  "upload_duration_ms" | "upload_wait_ms" | "upload_speed_mbps" | "upload_retries"
>;

export interface ProducedFile {
  kind: FileKind;
  /** Absolute, inside `dir`. */
  path: string;
  /** BCP 47 of a subtitle; else null. */
  language: string | null;
  size: number;
  /** What yt-dlp named it by a user's template; absent where the edge names it. */
  name?: string;
}

export interface Produced {
  /** The media file first. */
  files: ProducedFile[];
  telemetry: MediaTelemetry;
  effective: EffectiveMedia;
}

/** The real tools behind the ports. A node passes the yt-dlp that it keeps warm, and what its own requests may reach. */
export function mediaDeps(
  tools: Tools,
  ytdlp: YtDlp = commandLineYtDlp(tools.ytdlp, tools.jsRuntime),
  egress: EgressOptions = {},
): MediaDeps {
  return { ytdlp, ffmpeg: tools.ffmpeg, ffprobe: tools.ffprobe, egress };
}

/**
 * Looks at the source once. A list of one entry is that entry, unless `playlist` is `always`; a longer list under
 * `never` fails with class `list`.
 *
 * @throws MediaFailure
 */
export async function extractMedia(request: MediaRequest, deps: MediaDeps, signal: AbortSignal): Promise<Found> {
  const { library } = request.options;
  const found =
    library === undefined ? findSource(request, deps, signal) : findByOptions(request, library, deps, signal);
  return found.catch((error: unknown) => {
    throw classifyError(error);
  });
}

/**
 * Downloads and converts what `extractMedia` found in the same folder.
 *
 * @throws MediaFailure
 */
export async function produceMedia(
  request: MediaRequest,
  source: SourceInfo,
  deps: MediaDeps,
  events: MediaEvents,
  signal: AbortSignal,
): Promise<Produced> {
  const work = async (watched: AbortSignal) => {
    const { library } = request.options;
    const produced =
      library === undefined
        ? await produce(request, source, deps, events, watched)
        : await produceByOptions(request, library, source, deps, events, watched);
    await seal(request.dir, produced.files);
    return produced;
  };
  const refusedBefore = guardRefusals(request);
  return watchingDisk(request.dir, signal, work, deps.freeBytes).catch((error: unknown) => {
    const failure = classifyError(error);
    // yt-dlp tells of a missing fragment, ffmpeg of a broken file: that it points inside, only the guard knows.
    const wordless = failure.class === "network" || failure.class === "media";
    throw wordless && guardRefusals(request) > refusedBefore ? new MediaFailure("unsupported") : failure;
  });
}

const guardRefusals = ({ refusals }: MediaRequest): number =>
  refusals?.().filter(({ reason }) => isGuards(reason)).length ?? 0;

/** From here on the node alone is at the files: what a tool left running is ended, and what it left is looked at. */
async function seal(dir: string, files: readonly ProducedFile[]): Promise<void> {
  await killMarked(dir);
  takeBack(dir);
  for (const { path } of files) {
    if (!(await isPlainFile(path))) throw new MediaFailure("media");
    await takeFile(path);
  }
}
