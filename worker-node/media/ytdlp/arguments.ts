/**
 * Every argument that yt-dlp ever gets. Nothing here comes from a user or a site but numbers that we checked, and the
 * URL, which stands after `--`. Which format or subtitle to fetch is told by a small JSON file with fixed names in it
 * (`request-info.ts`), because format ids and language names are a site's text too, and yt-dlp reads both as expressions.
 */
import type { YtDlpTool } from "../../tools.ts";
import type { YtDlpContext } from "./port.ts";
import { CHOSEN } from "./request-info.ts";

/** One socket may stay silent for so long. */
const SOCKET_TIMEOUT_SECONDS = 20;
/** Few: the edge repeats a job, on another node if need be. */
const RETRIES = 3;
const EXTRACTOR_RETRIES = 1;
export const CONCURRENT_FRAGMENTS = 4;
/** Faster progress than any watcher gets (1 s). */
export const PROGRESS_SECONDS = 0.25;
/** yt-dlp must find no ffmpeg: ours works on local files only, theirs would open URLs past the egress guard. */
const NO_FFMPEG = "/nonexistent";

export const PROGRESS_MARK = "TRAWL-PROGRESS ";
export const PROGRESS_FIELDS =
  "downloaded_bytes,total_bytes,total_bytes_estimate,speed,eta,fragment_index,fragment_count";

export interface ArgumentOptions {
  tool: YtDlpTool;
  jsRuntime: string;
  context: YtDlpContext;
}

/** Closed to configuration, plugins, netrc, browsers' cookies, caches, hooks, and to every way out but the guard's. */
export function closedArguments({ tool, jsRuntime, context }: ArgumentOptions): string[] {
  return [
    "--ignore-config",
    "--no-plugin-dirs",
    "--no-cache-dir",
    ...(context.cookiesFile === undefined ? ["--no-cookies"] : ["--cookies", context.cookiesFile]),
    "--no-exec",
    "--no-wait-for-video",
    ...["--color", "never"],
    ...["--encoding", "utf-8"],
    // An empty proxy means "none"; without the option the environment and the system's settings would be asked.
    ...["--proxy", context.proxyUrl ?? ""],
    // Our own Node for the sites that need JavaScript. It runs scripts that came with yt-dlp, never such as it would fetch.
    ...(tool.takesJsRuntime
      ? ["--no-remote-components", "--no-js-runtimes", "--js-runtimes", `node:${jsRuntime}`]
      : []),
  ];
}

/** How patiently a source is asked. */
export function patience(): string[] {
  return [
    ...["--socket-timeout", String(SOCKET_TIMEOUT_SECONDS)],
    ...["--retries", String(RETRIES)],
    ...["--fragment-retries", String(RETRIES)],
    ...["--file-access-retries", "1"],
    ...["--extractor-retries", String(EXTRACTOR_RETRIES)],
  ];
}

/** The same for each call. */
export function commonArguments(options: ArgumentOptions): string[] {
  return [
    ...closedArguments(options),
    "--no-mtime",
    ...["--fixup", "never"],
    ...["--ffmpeg-location", NO_FFMPEG],
    ...patience(),
  ];
}

/** One look: the whole result as one JSON document on stdout; entries of a list stay unopened. */
export function extractArguments(
  options: ArgumentOptions,
  request: { url: string; oneVideo: boolean; entries: number },
): string[] {
  return [
    ...commonArguments(options),
    "--dump-single-json",
    "--flat-playlist",
    request.oneVideo ? "--no-playlist" : "--yes-playlist",
    ...["--playlist-items", `1:${request.entries}`],
    // Any format at all: which one is the media plan's business. Several would be repeated in full in the answer.
    ...["--format", "b*/bv*/ba*"],
    "--",
    request.url,
  ];
}

/** What was looked at needs no extractor: to set up all 1,750 of them costs each download 25 ms. */
function fromInfo(infoFile: string): string[] {
  return ["--use-extractors", "generic", "--load-info-json", infoFile];
}

/** Downloads the format that stands in `infoFile`, under a fixed name, in the working directory. */
export function downloadArguments(
  options: ArgumentOptions,
  request: { infoFile: string; fileName: string; maxBytes: number | null },
): string[] {
  return [
    ...commonArguments(options),
    ...fromInfo(request.infoFile),
    ...["--format", CHOSEN],
    ...["--output", request.fileName],
    "--no-write-subs",
    "--no-continue",
    "--no-overwrites",
    "--hls-prefer-native",
    // A hole in the media is an error, not a shorter file.
    "--abort-on-unavailable-fragments",
    ...["--concurrent-fragments", String(CONCURRENT_FRAGMENTS)],
    ...(request.maxBytes === null ? [] : ["--max-filesize", String(request.maxBytes)]),
    "--newline",
    ...["--progress-delta", String(PROGRESS_SECONDS)],
    ...["--progress-template", `download:${PROGRESS_MARK}%(progress.{${PROGRESS_FIELDS}})j`],
  ];
}

/** Fetches the one side file that stands in `infoFile`; it becomes `<fileName>.<something>`. */
export function sideFileArguments(
  options: ArgumentOptions,
  request: { kind: "subtitle" | "thumbnail"; infoFile: string; fileName: string; maxBytes: number },
): string[] {
  const what =
    request.kind === "thumbnail"
      ? ["--write-thumbnail"]
      : ["--write-subs", "--sub-langs", CHOSEN, "--sub-format", "best", "--hls-prefer-native"];
  return [
    ...commonArguments(options),
    ...fromInfo(request.infoFile),
    ...["--format", CHOSEN],
    "--skip-download",
    ...what,
    ...["--output", request.fileName, "--output", `${request.kind}:${request.fileName}`],
    ...["--max-filesize", String(request.maxBytes)],
    "--no-progress",
  ];
}
