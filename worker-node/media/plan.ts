/**
 * The media plan: the pure result of (job options, extracted info), made once the source has been looked at. It says
 * which formats to download, what ffmpeg will have to do as far as the site told the truth, and what comes out.
 */
import type { JobOptions } from "../../shared/contract/options.ts";
import { codecName } from "./plan/codecs.ts";
import { chooseFormats, type NoFormat } from "./plan/formats.ts";
import { chooseSubtitles } from "./plan/side-files.ts";
import { planSteps, type StepPlan } from "./plan/steps.ts";
import type { SourceFormat, SourceInfo, SourceSubtitle } from "./source.ts";

export type PlannedOutput =
  | { kind: "media" }
  | { kind: "subtitle"; track: SourceSubtitle }
  | { kind: "thumbnail"; url: string }
  | { kind: "info" };

export interface MediaPlan {
  /** One or two: the picture (with or without sound), then the sound. */
  downloads: SourceFormat[];
  /** As far as the site's codecs are true; planned again from the probe after the download. */
  expected: StepPlan;
  outputs: PlannedOutput[];
  /** Bytes of the delivered file; null when unknown. */
  sizeEstimate: number | null;
}

/**
 * @returns the plan, or what is wrong with the source in words for the user.
 * @example
 * const plan = planMedia(options, source);
 * if ("problem" in plan) throw new MediaFailure("unsupported", plan.problem);
 */
export function planMedia(options: JobOptions, source: SourceInfo): MediaPlan | NoFormat {
  const chosen = chooseFormats(options, source.formats);
  if ("problem" in chosen) return chosen;
  const downloads = [...new Set([chosen.video, chosen.audio])].filter((format) => format !== null);
  const expected = planSteps(options, downloads.map(claimed));
  if (expected === null) return { problem: "The source has no media" };
  const subtitles = chooseSubtitles(options, source).map((track): PlannedOutput => ({ kind: "subtitle", track }));
  const url = options.download_thumbnail ? source.thumbnailUrl : null;
  return {
    downloads,
    expected,
    outputs: [
      { kind: "media" },
      ...subtitles,
      ...(url === null ? [] : [{ kind: "thumbnail" as const, url }]),
      ...(options.info_json === true ? [{ kind: "info" as const }] : []),
    ],
    sizeEstimate: sizeEstimate(downloads, source.durationSeconds),
  };
}

/** What a site says of a format. `plain` by its file ending alone; the probe will look into the file. */
function claimed(format: SourceFormat) {
  const single = /^https?$/.test(format.protocol);
  const { ext, vcodec, acodec, width, height } = format;
  return {
    video: vcodec === "none" ? null : { index: null, codec: codecName(vcodec), width, height },
    audio: acodec === "none" ? null : { index: null, codec: codecName(acodec), channels: null },
    plain: single && (ext === "mp4" || ext === "webm" || ext === "m4a" || ext === "mp3") ? ext : null,
  } as const;
}

function sizeEstimate(downloads: readonly SourceFormat[], seconds: number | null): number | null {
  let sum = 0;
  for (const { size, tbr } of downloads) {
    const bytes = size?.bytes ?? (tbr !== null && seconds !== null ? (tbr * 1000 * seconds) / 8 : null);
    if (bytes === null) return null;
    sum += bytes;
  }
  return Number.isSafeInteger(Math.round(sum)) ? Math.round(sum) : null;
}
