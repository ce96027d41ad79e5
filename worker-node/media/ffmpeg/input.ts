/**
 * How a downloaded file is handed to ffmpeg and ffprobe. The file is a stranger's: a playlist or an edit script with
 * the name of a video would make ffmpeg open other files, or the network. So: no protocol but `file`, and of the
 * demuxers only those that read one self-contained file (no hls, concat, dash, image2, sdp, lavfi).
 */
export const DEMUXERS = [
  "mov",
  "mp4",
  "m4a",
  "matroska",
  "webm",
  "mpegts",
  "mpeg",
  "mpegvideo",
  "flv",
  "live_flv",
  "avi",
  "asf",
  "ogg",
  "mp3",
  "aac",
  "ac3",
  "eac3",
  "wav",
  "w64",
  "flac",
  "aiff",
  "caf",
  "amr",
  "rm",
  "h264",
  "hevc",
  "ivf",
];
/** Demuxers of side files (pictures, and the tags that we write), each named by us and never guessed by ffmpeg. */
export type SideDemuxer = "jpeg_pipe" | "png_pipe" | "webp_pipe" | "gif_pipe" | "ffmetadata";

/**
 * Options of one input, its `-i` included.
 *
 * @param path Absolute; `file:` in front keeps a colon in it from being a protocol.
 * @param before Options of this input that come first, such as `-ss`.
 */
export function inputArguments(path: string, before: readonly string[] = [], side?: SideDemuxer): string[] {
  return [
    ...["-protocol_whitelist", "file"],
    ...(side === undefined ? ["-format_whitelist", DEMUXERS.join(",")] : ["-f", side]),
    ...before,
    "-i",
    `file:${path}`,
  ];
}

/**
 * Several files of our own making, read one after the other as one.
 *
 * @param names Plain file names in ffmpeg's working directory: a path of the operator's may have a `|` in it.
 */
export function joinedArguments(names: readonly string[], before: readonly string[] = []): string[] {
  const address = `concat:${names.map((name) => `file:${name}`).join("|")}`;
  return ["-protocol_whitelist", "file,concat", "-format_whitelist", DEMUXERS.join(","), ...before, "-i", address];
}
