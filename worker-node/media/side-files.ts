/** Subtitles as WebVTT, the thumbnail as JPEG, what the source said of itself as JSON. None of them can fail the job (jobs API 11.6). */
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { abortFailure } from "./failure.ts";
import { writeInfoFile } from "./info-file.ts";
import { languageTag } from "./plan/side-files.ts";
import type { PlannedOutput } from "./plan.ts";
import type { MediaDeps, MediaRequest, ProducedFile } from "./run-attempt.ts";
import type { SourceSubtitle } from "./source.ts";
import { cutCues, shiftCues, toWebVtt } from "./subtitles/cues.ts";
import { readSubtitles } from "./subtitles/read.ts";
import { mapOffset } from "./subtitles/web-vtt.ts";
import { makeThumbnail } from "./thumbnail.ts";

export interface SideFiles {
  files: ProducedFile[];
  milliseconds: number;
  subtitleMilliseconds: number | null;
}

/** The media that the side files belong to. */
export interface MediaTimes {
  /** Where the clip really begins and ends in the source, seconds; null without one. */
  clip: { start: number; end: number | null } | null;
  /** Time of the downloaded media's first packet, seconds: MPEG-TS does not begin at 0. */
  startSeconds: number;
}

interface Work {
  request: MediaRequest;
  deps: MediaDeps;
  signal: AbortSignal;
}

/** @throws MediaFailure only when aborted. */
export async function makeSideFiles(
  outputs: readonly PlannedOutput[],
  times: MediaTimes,
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
    const made = await orNothing(signal, () => {
      if (output.kind === "info") return writeInfoFile(request.dir);
      return output.kind === "thumbnail" ? thumbnail(output.url, work) : subtitle(output.track, at, times, work);
    });
    if (output.kind === "subtitle") subtitleMilliseconds = (subtitleMilliseconds ?? 0) + elapsed(since);
    if (made !== null) files.push(made);
  }
  return { files, milliseconds: elapsed(began), subtitleMilliseconds };
}

/** A side file that fails is left out; only an abort goes on. */
export async function orNothing<T>(signal: AbortSignal, make: () => Promise<T | null>): Promise<T | null> {
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
  times: MediaTimes,
  work: Work,
): Promise<ProducedFile | null> {
  const { dir, proxyUrl, groups, cookiesFile } = work.request;
  const context = { dir, proxyUrl, groups, cookiesFile, signal: work.signal };
  const found = await work.deps.ytdlp.subtitle({ ...track, fileName: `subtitle-${at}` }, context);
  const read = found === null ? null : await readSubtitles(found);
  if (read === null) return null;
  // Cues of an HLS track count on the clock of its segments, the delivered media from its first packet.
  const offset = read.mediaTimeAtZero === null ? 0 : mapOffset(read.mediaTimeAtZero, times.startSeconds);
  const onMedia = shiftCues(read.cues, offset);
  const cues = times.clip === null ? onMedia : cutCues(onMedia, times.clip.start, times.clip.end);
  const path = join(dir, `subtitle-${at}.output`);
  await writeFile(path, toWebVtt(cues, read.blocks));
  const { size } = await stat(path);
  return { kind: "subtitle", path, language: languageTag(track.language), size };
}

async function thumbnail(url: string, { request, deps, signal }: Work): Promise<ProducedFile | null> {
  const made = await makeThumbnail(url, "thumbnail", request, deps, signal);
  return made === null ? null : { kind: "thumbnail", language: null, ...made };
}

function elapsed(since: number): number {
  return Math.round(performance.now() - since);
}
