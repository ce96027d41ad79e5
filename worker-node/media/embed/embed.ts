/**
 * `embed_metadata` (jobs API 3.1): tags, chapters and cover inside the finished file, by one more run of ffmpeg that copies
 * packets. A pass of its own, because most files need no other: they are moved, not converted. It costs a copy of
 * the file (`docs/decisions/071`); none of it can fail the job.
 */
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Format } from "../../../shared/contract/options.ts";
import { inputArguments } from "../ffmpeg/input.ts";
import { probe } from "../ffmpeg/probe.ts";
import { runFfmpeg } from "../ffmpeg/run.ts";
import { CONTAINERS } from "../plan/containers.ts";
import type { MediaDeps, MediaRequest } from "../run-attempt.ts";
import { orNothing } from "../side-files.ts";
import type { SourceInfo } from "../source.ts";
import { pictureBlock } from "./picture-block.ts";
import { chaptersOf, ffmetadata, tagsOf } from "./tags.ts";

/** How a container holds a cover. WebM has no place for one, nor has QuickTime as ffmpeg writes it. */
const COVERS: Readonly<Record<Format, "stream" | "attachment" | "comment" | null>> = {
  mp4: "stream",
  m4a: "stream",
  mp3: "stream",
  mkv: "attachment",
  ogg: "comment",
  opus: "comment",
  webm: null,
  mov: null,
};
/** Readers of Ogg skip a comment header that is much larger. */
const MAX_COMMENT_COVER_BYTES = 512 * 1024;

export interface Embedding {
  /** The finished file; it is replaced. */
  path: string;
  format: Format;
  source: SourceInfo;
  clip: { start: number; end: number | null } | null;
  /** Seconds of the finished file; null when unknown. */
  duration: number | null;
  /** It has a picture that moves. */
  hasVideo: boolean;
  /** Fetches the cover as a JPEG; asked only where the container can hold one. */
  cover: () => Promise<string | null>;
}

/** @throws MediaFailure only when aborted; whatever else goes wrong, the file stays as it was. */
export async function embedMetadata(
  embedding: Embedding,
  request: MediaRequest,
  deps: MediaDeps,
  signal: AbortSignal,
): Promise<void> {
  const kind = COVERS[embedding.format];
  const cover = kind === null ? null : await orNothing(signal, embedding.cover);
  const done = await orNothing(signal, () => embed(embedding, cover, request, deps, signal));
  // A cover that the container does not take must not cost the tags.
  if (done === null && cover !== null) await orNothing(signal, () => embed(embedding, null, request, deps, signal));
}

async function embed(
  { path, format, source, clip, duration, hasVideo }: Embedding,
  cover: string | null,
  { dir, groups }: MediaRequest,
  deps: MediaDeps,
  signal: AbortSignal,
): Promise<true> {
  const tags = tagsOf(source);
  const inComment =
    cover !== null && COVERS[format] === "comment" ? await coverComment(cover, deps, dir, signal) : null;
  if (inComment !== null) tags.METADATA_BLOCK_PICTURE = inComment;
  const metadata = join(dir, "tags.ffmetadata");
  await writeFile(metadata, ffmetadata(tags, chaptersOf(source.chapters, clip, duration)), { mode: 0o600 });
  const output = join(dir, "embedded.output");
  await runFfmpeg(deps.ffmpeg, embedArguments({ path, metadata, cover, format, hasVideo, output }), {
    dir,
    groups,
    signal,
    expectedSeconds: null,
  });
  await rename(output, path);
  return true;
}

/** Null for a picture that is too large to stand in a comment. */
async function coverComment(
  cover: string,
  { ffprobe }: MediaDeps,
  dir: string,
  signal: AbortSignal,
): Promise<string | null> {
  if ((await stat(cover)).size > MAX_COMMENT_COVER_BYTES) return null;
  const { streams } = await probe(ffprobe, cover, { dir, signal }, "jpeg_pipe");
  const [picture] = streams;
  return pictureBlock(await readFile(cover), { width: picture?.width ?? 0, height: picture?.height ?? 0 });
}

interface EmbedFiles extends Pick<Embedding, "path" | "format" | "hasVideo"> {
  metadata: string;
  cover: string | null;
  output: string;
}

/** A closed set, in which only our own paths vary. */
function embedArguments({ path, metadata, cover, format, hasVideo, output }: EmbedFiles): string[] {
  const container = CONTAINERS[format];
  const kind = cover === null ? null : COVERS[format];
  return [
    ...inputArguments(path),
    ...inputArguments(metadata, [], "ffmetadata"),
    ...(kind === "stream" && cover !== null ? inputArguments(cover, [], "jpeg_pipe") : []),
    // With a cover of ours, one that the file came with makes room for it.
    ...["-map", cover === null ? "0:v?" : "0:V?", "-map", "0:a?"],
    ...(kind === "stream" ? ["-map", "2:v"] : []),
    ...["-c", "copy", "-map_metadata", "1", "-map_chapters", "1"],
    ...(kind === "stream" ? coverStream(hasVideo ? 1 : 0) : []),
    ...(kind === "attachment" && cover !== null ? attachment(cover) : []),
    ...(container.faststart ? ["-movflags", "+faststart"] : []),
    // Opus in MP4 counts as experimental in the ffmpeg of Debian 12.
    ...(container.muxer === "mp4" ? ["-strict", "-2"] : []),
    // The version of ID3 that every player reads.
    ...(format === "mp3" ? ["-id3v2_version", "3"] : []),
    ...["-f", container.muxer, "-y", `file:${output}`],
  ];
}

/** @param at which of the video streams it is: the second one beside a picture that moves, else the first. */
function coverStream(at: number): string[] {
  return [
    ...[`-disposition:v:${at}`, "attached_pic"],
    ...[`-metadata:s:v:${at}`, "title=Cover", `-metadata:s:v:${at}`, "comment=Cover (front)"],
  ];
}

function attachment(cover: string): string[] {
  return ["-attach", cover, "-metadata:s:t:0", "mimetype=image/jpeg", "-metadata:s:t:0", "filename=cover.jpg"];
}
