/** Which subtitles a job gets (jobs API 11.6). Pure. */
import type { JobOptions } from "../../../shared/contract/options.ts";
import type { SourceInfo, SourceSubtitle } from "../source.ts";

/** What ffmpeg turns into WebVTT; the rest counts as not there. */
const READABLE = new Set(["vtt", "srt", "ass", "ssa"]);

/**
 * One track: author-made in the media's language, else author-made English, else any author-made, else automatic in the
 * media's language, else automatic English. With `subtitle_languages`: one per language, author-made before automatic.
 */
export function chooseSubtitles(
  options: Pick<JobOptions, "download_subtitles" | "subtitle_languages">,
  source: Pick<SourceInfo, "language" | "subtitles">,
): SourceSubtitle[] {
  if (!options.download_subtitles) return [];
  const tracks = source.subtitles.filter((track) => READABLE.has(track.ext));
  const made = tracks.filter((track) => !track.automatic);
  const automatic = tracks.filter((track) => track.automatic);
  if (options.subtitle_languages.length > 0) {
    return options.subtitle_languages.flatMap((tag) => inLanguage(made, tag) ?? inLanguage(automatic, tag) ?? []);
  }
  const own = source.language;
  const one =
    inLanguage(made, own) ??
    inLanguage(made, "en") ??
    made[0] ??
    inLanguage(automatic, own) ??
    inLanguage(automatic, "en");
  return one === undefined ? [] : [one];
}

/** The very tag first (`pt-BR`), then any of the same base language (`pt`). */
function inLanguage(tracks: readonly SourceSubtitle[], tag: string | null): SourceSubtitle | undefined {
  if (tag === null || tag === "") return undefined;
  const wanted = tag.toLowerCase();
  return (
    tracks.find((track) => track.language.toLowerCase() === wanted) ??
    tracks.find((track) => base(track.language) === base(wanted))
  );
}

function base(tag: string): string {
  return tag.toLowerCase().split(/[-_]/)[0] ?? "";
}
