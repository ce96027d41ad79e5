/** What a file is, by its extension alone (library API 9.2). */

export type ContentType = "video" | "audio" | "subtitle" | "image" | "text" | "metadata" | "dir" | "download";

/** In the order of the specification: the first match counts. */
const TYPES: readonly (readonly [ContentType, readonly string[]])[] = [
  ["video", ["avi", "ts", "mkv", "mp4", "mp3", "mpv", "ogm", "m4v", "webm", "m4b"]],
  ["audio", ["flac", "aac", "opus", "wav", "m4a"]],
  ["subtitle", ["srt", "ass", "vtt", "ssa", "smi", "sub", "idx"]],
  ["image", ["jpg", "jpeg", "png", "gif", "bmp", "webp"]],
  ["text", ["txt", "nfo", "md", "json", "yml", "yaml", "plexmatch"]],
  ["metadata", ["torrent"]],
];

const TYPE_OF: ReadonlyMap<string, ContentType> = new Map(
  TYPES.toReversed().flatMap(([type, extensions]) => extensions.map((extension) => [extension, type] as const)),
);

const MIME_OF: ReadonlyMap<string, string> = new Map(
  Object.entries({
    avi: "video/x-msvideo",
    ts: "video/mp2t",
    mkv: "video/x-matroska",
    mp4: "video/mp4",
    mp3: "audio/mpeg",
    mpv: "video/mpv",
    ogm: "video/ogg",
    m4v: "video/x-m4v",
    webm: "video/webm",
    m4b: "audio/mp4",
    mov: "video/quicktime",
    flac: "audio/flac",
    aac: "audio/aac",
    opus: "audio/ogg",
    ogg: "audio/ogg",
    wav: "audio/wav",
    m4a: "audio/mp4",
    srt: "application/x-subrip",
    ass: "text/x-ssa",
    ssa: "text/x-ssa",
    vtt: "text/vtt",
    smi: "application/smil+xml",
    sub: "text/plain",
    jpg: "image/jpeg",
    jpeg: "image/jpeg",
    png: "image/png",
    gif: "image/gif",
    bmp: "image/bmp",
    webp: "image/webp",
    svg: "image/svg+xml",
    txt: "text/plain",
    nfo: "text/plain",
    md: "text/markdown",
    json: "application/json",
    yml: "application/yaml",
    yaml: "application/yaml",
    torrent: "application/x-bittorrent",
    html: "text/html",
    htm: "text/html",
    xhtml: "application/xhtml+xml",
    xml: "text/xml",
    pdf: "application/pdf",
    zip: "application/zip",
  }),
);

/** Name without its extension, and that in lower case without its dot; a name that only begins with a dot has none. */
export function splitName(name: string): { stem: string; extension: string } {
  const dot = name.lastIndexOf(".");
  if (dot <= 0) return { stem: name, extension: "" };
  return { stem: name.slice(0, dot), extension: name.slice(dot + 1).toLowerCase() };
}

/** @example contentTypeOf("talk.mp4") === "video" */
export function contentTypeOf(name: string): ContentType {
  return TYPE_OF.get(splitName(name).extension) ?? "download";
}

/** Whether a file has sidecars: what else is there beside it with its stem is about it. */
export function isMedia(name: string): boolean {
  const type = contentTypeOf(name);
  return type === "video" || type === "audio";
}

/** @param told what a node made of it; a file that somebody put there has its extension alone. */
export function mimeOf(name: string, told: string | null): string {
  return told ?? MIME_OF.get(splitName(name).extension) ?? "application/octet-stream";
}

/**
 * The type of a row as SQL, for orders by it: the table stands here alone, and no migration has to follow it.
 *
 * @param name a column or an expression without parameters.
 */
export function contentTypeSql(name: string): string {
  const dotted = `rtrim(${name}, replace(${name}, '.', ''))`;
  const extension = `CASE WHEN length(${dotted}) > 1 THEN lower(substr(${name}, length(${dotted}) + 1)) ELSE '' END`;
  const cases = TYPES.map(([type, list]) => `WHEN (${extension}) IN ('${list.join("', '")}') THEN '${type}'`);
  return `CASE WHEN kind = 'dir' THEN 'dir' ${cases.join(" ")} ELSE 'download' END`;
}
