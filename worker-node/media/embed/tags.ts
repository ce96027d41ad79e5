/** Tags and chapters as ffmpeg's own text form of them (`ffmetadata`): words of a site go to ffmpeg by this file alone. */
import type { SourceChapter, SourceInfo } from "../source.ts";

/** A chapter of the delivered file, seconds. */
export interface Chapter {
  start: number;
  end: number;
  title: string | null;
}

/**
 * The source's chapters as the delivered file has them.
 *
 * @param clip what of the source was delivered; null: all of it.
 * @param duration of the delivered file; null when unknown.
 */
export function chaptersOf(
  chapters: readonly SourceChapter[],
  clip: { start: number; end: number | null } | null,
  duration: number | null,
): Chapter[] {
  const from = clip?.start ?? 0;
  const length = duration ?? Number.POSITIVE_INFINITY;
  return chapters.flatMap(({ start, end, title }, index) => {
    const until = end ?? chapters[index + 1]?.start ?? Number.POSITIVE_INFINITY;
    const own = { start: Math.max(0, start - from), end: Math.min(until - from, length), title };
    return own.end > own.start && Number.isFinite(own.end) ? [own] : [];
  });
}

/** The tags that players show, by ffmpeg's names for them, which each container writes as its own. */
export function tagsOf(source: SourceInfo): Record<string, string> {
  const tags = {
    title: source.title,
    artist: source.uploader,
    date: source.releaseDate?.slice(0, 10) ?? null,
    description: source.description,
    comment: source.description,
  };
  return Object.fromEntries(Object.entries(tags).filter((entry): entry is [string, string] => !!entry[1]?.trim()));
}

/** The file's text; what the form reads as signs of its own is escaped. */
export function ffmetadata(tags: Readonly<Record<string, string>>, chapters: readonly Chapter[]): string {
  const lines = [";FFMETADATA1"];
  for (const [key, value] of Object.entries(tags)) lines.push(`${key}=${escaped(value)}`);
  for (const { start, end, title } of chapters) {
    lines.push("[CHAPTER]", "TIMEBASE=1/1000", `START=${Math.round(start * 1000)}`, `END=${Math.round(end * 1000)}`);
    if (title !== null) lines.push(`title=${escaped(title)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** A backslash before each sign that means something, the end of a line included; other control characters go. */
function escaped(value: string): string {
  return (
    value
      .replace(/\r\n?/g, "\n")
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
      .replace(/[\u0000-\u0009\u000b-\u001f\u007f]/g, " ")
      .replace(/[\\=;#\n]/g, (sign) => `\\${sign}`)
  );
}
