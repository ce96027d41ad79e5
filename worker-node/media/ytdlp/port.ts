/**
 * The port to yt-dlp: one look at a source, and the download of chosen formats. Adapters: a warm Python host
 * (`host/warm-host.ts`), and the command line (`command-line.ts`) where yt_dlp cannot be imported. Both pass `test/worker-node/media/ytdlp.conformance.ts`.
 */
import type { PlaylistMode } from "../../../shared/contract/options.ts";
import type { GroupLog, RunOptions, RunResult } from "../../process/run.ts";
import type { SourceInfo } from "../source.ts";
import type { ArgumentOptions } from "./arguments.ts";
import type { Question } from "./questions/ask.ts";

/** What belongs to the attempt rather than to one request. */
export interface YtDlpContext {
  /** The attempt's folder, absolute; nothing is written elsewhere. */
  dir: string;
  /** The egress guard, with its password; null only in tests that need none. */
  proxyUrl: string | null;
  signal: AbortSignal;
  groups?: GroupLog | undefined;
  /** Netscape cookies for this source, in the folder (`media/cookies.ts`); without them none are sent. */
  cookiesFile?: string | undefined;
}

export interface ExtractRequest {
  url: string;
  playlist: PlaylistMode;
  /** At most so many entries of a list, and whether there were more. */
  listLimit: number;
}

export interface DescribeRequest {
  url: string;
  /** An address that names one video inside a list means the video, or the list. */
  prefer: "video" | "list";
  /** At most so many entries of a list. */
  entries: number;
}

export interface ListEntry {
  url: string;
  id: string | null;
  title: string | null;
}

export type Extracted =
  | { kind: "single"; source: SourceInfo }
  | { kind: "list"; title: string | null; entries: ListEntry[]; truncated: boolean };

export interface DownloadProgress {
  bytes: number | null;
  totalBytes: number | null;
  speedBytesPerSecond: number | null;
  etaSeconds: number | null;
  /** For sources of unknown size: fragments done of all. */
  fraction: number | null;
}

export interface DownloadRequest {
  /** One id out of the `SourceInfo` of this attempt. */
  formatId: string;
  /** A fixed file name inside the folder, without any part that a site chose. */
  fileName: string;
  maxBytes: number | null;
  onProgress: (progress: DownloadProgress) => void;
  /** What is to be other than the source said of the format: fewer fragments, another playlist. */
  patch?: Readonly<Record<string, unknown>>;
}

export interface Downloaded {
  path: string;
  size: number;
  /** Repeats that the downloader made by itself. */
  retries: number;
}

export interface SubtitleRequest {
  language: string;
  automatic: boolean;
  ext: string;
  /** A fixed file name inside the folder. */
  fileName: string;
}

export interface ThumbnailRequest {
  url: string;
  /** A fixed file name inside the folder. */
  fileName: string;
}

/** What one run is given beside its arguments. */
export type RunMore = Pick<
  RunOptions,
  "signal" | "interrupt" | "timeoutMs" | "onStdout" | "onStderr" | "captureBytes" | "memoryBytes"
>;

export interface YtDlp {
  /** For logs and `trawl nodes`: `warm-host` or `command-line`. */
  readonly kind: string;
  readonly version: string;
  /** Whether `ask` works: not by a frozen binary. */
  readonly answersQuestions: boolean;
  /**
   * Looks at a URL once and keeps what it learned in the folder, for `download`.
   * @throws MediaFailure
   */
  extract(request: ExtractRequest, context: YtDlpContext): Promise<Extracted>;
  /**
   * All that yt-dlp says of a URL, unchecked, for look-ups that end there: nothing is kept for a `download`.
   * @throws MediaFailure
   */
  describe(request: DescribeRequest, context: YtDlpContext): Promise<Record<string, unknown>>;
  /**
   * Downloads one format of what `extract` found in the same folder, without looking at the page again.
   * @throws MediaFailure
   */
  download(request: DownloadRequest, context: YtDlpContext): Promise<Downloaded>;
  /**
   * Fetches one subtitle track, as the site has it; null when it could not be had.
   * @throws MediaFailure only when aborted.
   */
  subtitle(request: SubtitleRequest, context: YtDlpContext): Promise<string | null>;
  /**
   * Fetches a picture of the source through the same proxy; null when it could not be had.
   * @throws MediaFailure only when aborted.
   */
  thumbnail(request: ThumbnailRequest, context: YtDlpContext): Promise<string | null>;
  /**
   * A question that no option of the command line answers; the answer is unchecked (`questions/questions.py`).
   * @throws MediaFailure
   */
  ask(question: Question, context: YtDlpContext): Promise<unknown>;
  /**
   * One run by a command line of the caller's, built around what the adapter knows (`media/library/arguments.ts`).
   * Never rejects for what yt-dlp does.
   */
  run(build: (options: ArgumentOptions) => string[], context: YtDlpContext, more: RunMore): Promise<RunResult>;
}
