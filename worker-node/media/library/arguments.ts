/**
 * The command lines of a job that yt-dlp runs by a user's options: the user's in the middle, before them what is better than
 * yt-dlp's own default, behind them what no user may change. The last word on an option counts.
 */
import { DEMUXERS } from "../ffmpeg/input.ts";
import {
  type ArgumentOptions,
  CONCURRENT_FRAGMENTS,
  closedArguments,
  PROGRESS_FIELDS,
  PROGRESS_SECONDS,
  patience,
} from "../ytdlp/arguments.ts";

export const MEDIA_MARK = "TRAWL-MEDIA ";
export const WORK_MARK = "TRAWL-WORK ";
export const FILE_MARK = "TRAWL-FILE ";

/** Larger than any list: `--max-downloads` counts what is delivered, and ends a look before it has answered. */
const NO_MAX_DOWNLOADS = "1000000000";
/**
 * What yt-dlp's ffmpeg may open: of the network what goes through the guard's proxy, which yt-dlp names in its environment,
 * and neither rtmp nor rtp nor udp, which would go past it.
 */
const GUARDED_PROTOCOLS = "http,https,tls,tcp,httpproxy,crypto,data";
/** Beside media: pictures, subtitles, tags and the lists that it writes for itself. */
const SIDE_DEMUXERS = [
  "concat",
  "ffmetadata",
  "image2",
  "jpeg_pipe",
  "png_pipe",
  "webp_pipe",
  "gif_pipe",
  "bmp_pipe",
  "srt",
  "webvtt",
  "ass",
  "lrc",
  "ttml",
];

export interface LibraryArguments extends ArgumentOptions {
  /** As the user wrote them, preset and item. */
  args: readonly string[];
  ffmpeg: string;
}

export function lookArguments(
  options: LibraryArguments,
  request: { url: string; entries: number; each: boolean },
): string[] {
  const { args } = options;
  return [
    // Where a user says where a list begins or ends, yt-dlp would not listen beside our numbers.
    ...(args.some((word) => /^--playlist-[se]/.test(word)) ? [] : ["--playlist-items", `1:${request.entries}`]),
    ...patience(),
    ...args,
    ...closed(options),
    // An option that ends a list early ends the whole list's answer with it; the entries up to there can be told one by one.
    request.each ? "--dump-json" : "--dump-single-json",
    ...["--max-downloads", NO_MAX_DOWNLOADS],
    "--flat-playlist",
    "--simulate",
    "--quiet",
    "--no-progress",
    "--no-write-playlist-metafiles",
    "--",
    request.url,
  ];
}

export interface RunRequest {
  /** What the look found; null: the address is looked at again. */
  infoFile: string | null;
  url: string;
  template: string;
  chapterTemplate: string;
  /** Where finished files go, and unfinished ones. */
  home: string;
  temp: string;
}

export function runArguments(options: LibraryArguments, request: RunRequest): string[] {
  const { infoFile, url, home, temp } = request;
  return [
    ...patience(),
    // A hole in the media is an error, not a shorter file.
    "--abort-on-unavailable-fragments",
    ...["--concurrent-fragments", String(CONCURRENT_FRAGMENTS)],
    ...options.args,
    ...closed(options),
    ...["--output", request.template, "--output", `chapter:${request.chapterTemplate}`],
    ...["--paths", `home:${home}`, "--paths", `temp:${temp}`],
    "--no-simulate",
    // What it otherwise holds besides are paths of this machine, and cookies.
    "--clean-info-json",
    "--no-quiet",
    "--progress",
    "--newline",
    ...["--progress-delta", String(PROGRESS_SECONDS)],
    ...["--progress-template", `download:${MEDIA_MARK}[%(info.format_id)j,%(progress.{${PROGRESS_FIELDS},status})j]`],
    ...["--progress-template", `postprocess:${WORK_MARK}%(progress.{postprocessor,status})j`],
    ...["--print", `after_move:${FILE_MARK}%(filepath)j`],
    ...(infoFile === null ? ["--no-playlist", "--", url] : ["--load-info-json", infoFile]),
  ];
}

function closed(options: LibraryArguments): string[] {
  return [
    ...closedArguments(options),
    // Past the guard each of them would go its own way; the empty text is "none".
    ...["--geo-verification-proxy", ""],
    ...["--source-address", ""],
    "--no-download-archive",
    ...["--ffmpeg-location", options.ffmpeg],
    ...["--downloader-args", `ffmpeg_i:-protocol_whitelist ${GUARDED_PROTOCOLS}`],
    // As in `ffmpeg/input.ts`: a playlist with the name of a video is not opened.
    ...["--postprocessor-args", `ffmpeg_i:-format_whitelist ${[...DEMUXERS, ...SIDE_DEMUXERS].join(",")}`],
  ];
}
