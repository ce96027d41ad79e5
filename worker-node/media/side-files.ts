/** Subtitles as WebVTT and the thumbnail as JPEG. None of them can fail the job (jobs API 11.6). */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { abortFailure } from "./failure.ts";
import { inputArguments, type SideDemuxer } from "./ffmpeg/input.ts";
import { runFfmpeg } from "./ffmpeg/run.ts";
import type { StepPlan } from "./plan/steps.ts";
import type { PlannedOutput } from "./plan.ts";
import type { MediaDeps, MediaRequest, ProducedFile } from "./run-attempt.ts";
import type { SourceSubtitle } from "./source.ts";

const SUBTITLE_DEMUXERS: Readonly<Record<string, SideDemuxer>> = { vtt: "webvtt", srt: "srt", ass: "ass", ssa: "ass" };
/** A language tag that may stand in a file name and in an answer. */
const LANGUAGE = /^[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,3}$/;

export interface SideFiles {
  files: ProducedFile[];
  milliseconds: number;
  subtitleMilliseconds: number | null;
}

interface Work {
  request: MediaRequest;
  deps: MediaDeps;
  signal: AbortSignal;
}

/** @throws MediaFailure only when aborted. */
export async function makeSideFiles(
  outputs: readonly PlannedOutput[],
  steps: StepPlan,
  clipStart: number,
  request: MediaRequest,
  deps: MediaDeps,
  signal: AbortSignal,
): Promise<SideFiles> {
  const work = { request, deps, signal };
  const began = performance.now();
  const files: ProducedFile[] = [];
  let subtitleMilliseconds: number | null = null;
  for (const [at, output] of outputs.entries()) {
    if (output.kind === "media") continue;
    const since = performance.now();
    const made = await attempt(signal, () =>
      output.kind === "thumbnail"
        ? thumbnail(output.url, work)
        : subtitle(output.track, at, steps.clip === null ? null : { start: clipStart, end: steps.clip.end }, work),
    );
    if (output.kind === "subtitle") subtitleMilliseconds = (subtitleMilliseconds ?? 0) + elapsed(since);
    if (made !== null) files.push(made);
  }
  return { files, milliseconds: elapsed(began), subtitleMilliseconds };
}

/** A side file that fails is left out; only an abort goes on. */
async function attempt(signal: AbortSignal, make: () => Promise<ProducedFile | null>): Promise<ProducedFile | null> {
  try {
    return await make();
  } catch {
    if (signal.aborted) throw abortFailure(signal);
    return null;
  }
}

async function subtitle(
  track: SourceSubtitle,
  at: number,
  clip: { start: number; end: number | null } | null,
  work: Work,
): Promise<ProducedFile | null> {
  const { dir, proxyUrl, groups } = work.request;
  const context = { dir, proxyUrl, groups, signal: work.signal };
  const found = await work.deps.ytdlp.subtitle({ ...track, fileName: `subtitle-${at}` }, context);
  const demuxer = SUBTITLE_DEMUXERS[track.ext];
  if (found === null || demuxer === undefined) return null;
  const output = join(dir, `subtitle-${at}.output`);
  // Cut like the media: cues keep their place relative to the picture.
  const before = clip !== null && clip.start > 0 ? ["-ss", clip.start.toFixed(3)] : [];
  const length = clip?.end == null ? [] : ["-t", Math.max(0, clip.end - clip.start).toFixed(3)];
  const args = [
    ...inputArguments(found, before, demuxer),
    ...length,
    "-map",
    "0:s:0",
    "-f",
    "webvtt",
    "-y",
    `file:${output}`,
  ];
  await runFfmpeg(work.deps.ffmpeg, args, { dir, signal: work.signal, groups, expectedSeconds: null });
  const { size } = await stat(output);
  const language = track.language.replaceAll("_", "-");
  return { kind: "subtitle", path: output, language: LANGUAGE.test(language) ? language : "und", size };
}

async function thumbnail(url: string, work: Work): Promise<ProducedFile | null> {
  const { dir, proxyUrl, groups } = work.request;
  const context = { dir, proxyUrl, groups, signal: work.signal };
  const found = await work.deps.ytdlp.thumbnail({ url, fileName: "thumbnail" }, context);
  const demuxer = found === null ? null : await pictureKind(found);
  if (found === null || demuxer === null) return null;
  const output = join(dir, "thumbnail.output");
  // Always through the decoder, a JPEG too: what is delivered as a picture then is one.
  const picture = ["-map", "0:v:0", "-frames:v", "1", "-pix_fmt", "yuvj420p", "-q:v", "3", "-c:v", "mjpeg"];
  const args = [...inputArguments(found, [], demuxer), ...picture, "-f", "mjpeg", "-y", `file:${output}`];
  await runFfmpeg(work.deps.ffmpeg, args, { dir, signal: work.signal, groups, expectedSeconds: null });
  const { size } = await stat(output);
  return size === 0 ? null : { kind: "thumbnail", path: output, language: null, size };
}

/** By its first bytes: the ending is the site's word. */
async function pictureKind(path: string): Promise<SideDemuxer | null> {
  const file = await open(path, "r");
  try {
    const head = Buffer.alloc(12);
    await file.read(head, 0, 12, 0);
    if (head.readUInt16BE(0) === 0xffd8) return "jpeg_pipe";
    if (head.toString("latin1", 1, 4) === "PNG") return "png_pipe";
    return head.toString("latin1", 0, 4) === "RIFF" && head.toString("latin1", 8, 12) === "WEBP" ? "webp_pipe" : null;
  } finally {
    await file.close();
  }
}

function elapsed(since: number): number {
  return Math.round(performance.now() - since);
}
