/** What a stored file is served as, by its ending: never by what a node or a site says of it. */
const TYPES: Record<string, string> = {
  mp4: "video/mp4",
  m4v: "video/mp4",
  mkv: "video/x-matroska",
  webm: "video/webm",
  mov: "video/quicktime",
  avi: "video/x-msvideo",
  flv: "video/x-flv",
  ts: "video/mp2t",
  ogv: "video/ogg",
  m4a: "audio/mp4",
  m4b: "audio/mp4",
  mp3: "audio/mpeg",
  ogg: "audio/ogg",
  opus: "audio/ogg",
  oga: "audio/ogg",
  flac: "audio/flac",
  wav: "audio/wav",
  aac: "audio/aac",
  mka: "audio/x-matroska",
  vtt: "text/vtt; charset=utf-8",
  srt: "application/x-subrip",
  ass: "text/x-ssa; charset=utf-8",
  ssa: "text/x-ssa; charset=utf-8",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
  bmp: "image/bmp",
  txt: "text/plain; charset=utf-8",
  description: "text/plain; charset=utf-8",
  json: "application/json",
  nfo: "text/xml; charset=utf-8",
};

/** @param path its last segment's ending counts; what is not known is plain bytes. */
export function contentTypeOf(path: string): string {
  const extension = /\.([A-Za-z0-9]{1,12})$/.exec(path)?.[1]?.toLowerCase() ?? "";
  return TYPES[extension] ?? "application/octet-stream";
}
