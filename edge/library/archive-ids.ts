/** Archive ids (library API 5.6) of what yt-dlp said of a source. */

/** The generic extractor's ids are names of files: no two sites mean the same by one. */
const NO_ARCHIVE = "generic";

/**
 * Lower-cased extractor key, a space, the id; null where the source has none.
 *
 * @example archiveIdOf({ extractor_key: "Youtube", id: "dQw4w9WgXcQ" }) // "youtube dQw4w9WgXcQ"
 */
export function archiveIdOf(info: Readonly<Record<string, unknown>>): string | null {
  const { id } = info;
  const key = info.extractor_key ?? info.ie_key;
  if (typeof key !== "string" || typeof id !== "string" || key === "" || id === "") return null;
  const name = key.toLowerCase();
  return name === NO_ARCHIVE ? null : `${name} ${id}`;
}

/** The same of a job's `source_id`, which is spelt alike. */
export function archiveIdOfSource(source: string | null): string | null {
  return source === null || source.startsWith(`${NO_ARCHIVE} `) ? null : source;
}

/** What may be recorded in an archive: two words at least. */
export function isArchiveId(text: string): boolean {
  return text.trim().split(/\s+/).length >= 2;
}
