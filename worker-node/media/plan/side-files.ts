/** Which subtitles a job gets (jobs API 11.6). Pure. */
import type { JobOptions } from "../../../shared/contract/options.ts";
import type { SourceInfo, SourceSubtitle } from "../source.ts";

/**
 * One track: author-made in the media's language, else author-made English, else any author-made, else automatic in the
 * media's language, else automatic English. With `subtitle_languages`: one per language, author-made before automatic;
 * two tags that mean the same track bring it once.
 */
export function chooseSubtitles(
  options: Pick<JobOptions, "download_subtitles" | "subtitle_languages">,
  source: Pick<SourceInfo, "language" | "subtitles">,
): SourceSubtitle[] {
  if (!options.download_subtitles) return [];
  const made = source.subtitles.filter((track) => !track.automatic);
  const automatic = source.subtitles.filter((track) => track.automatic);
  if (options.subtitle_languages.length > 0) {
    const found = options.subtitle_languages.flatMap(
      (tag) => inLanguage(made, tag) ?? inLanguage(automatic, tag) ?? [],
    );
    return [...new Map(found.map((track) => [languageTag(track.language), track])).values()];
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

/**
 * The very tag first; then what is more special (`en` finds `en-US`); then, as in a look-up by RFC 4647, what is less
 * (`pt-BR` finds `pt`); last another region of the same language, unless it is written in another script.
 */
function inLanguage(tracks: readonly SourceSubtitle[], tag: string | null): SourceSubtitle | undefined {
  if (tag === null || tag === "") return undefined;
  const wanted = parts(tag);
  const matches = (rule: (track: string[]) => boolean) => tracks.find((track) => rule(parts(track.language)));
  return (
    matches((track) => track.join("-") === wanted.join("-")) ??
    matches((track) => isPrefix(wanted, track)) ??
    matches((track) => isPrefix(track, wanted)) ??
    matches(
      (track) => track[0] === wanted[0] && (script(track) ?? script(wanted)) === (script(wanted) ?? script(track)),
    )
  );
}

function parts(tag: string): string[] {
  return tag.toLowerCase().split(/[-_]/);
}

function isPrefix(short: readonly string[], long: readonly string[]): boolean {
  return short.every((part, index) => part === long[index]);
}

/** Four letters: `hans`, `latn`. */
function script(tag: readonly string[]): string | undefined {
  return tag.slice(1).find((part) => /^[a-z]{4}$/.test(part));
}

/** A language tag that may stand in a file name and in an answer; `und` for what is none. */
export function languageTag(language: string): string {
  const tag = language.replaceAll("_", "-");
  return /^[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8}){0,3}$/.test(tag) ? tag : "und";
}
