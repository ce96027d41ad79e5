/** What yt-dlp has chosen of a source, from the JSON of one look: one or more files, each of one or more formats. */
import { z } from "zod";
import type { SourceFormat, SourceInfo } from "../source.ts";

export interface Requested {
  /** Fetched side by side and joined: a picture and a sound, most often. */
  formats: SourceFormat[];
  /** Length of the part that is wanted; null for the whole. */
  seconds: number | null;
  /** Only a part of the source is wanted. */
  section: boolean;
}

const number = z.number().finite().nonnegative().nullable().catch(null).default(null);
const id = z.object({ format_id: z.string() });
const Download = z.object({
  format_id: z.string().nullable().catch(null).default(null),
  requested_formats: z.array(id).nullable().catch(null).default(null),
  section_start: number,
  section_end: number,
});
const Raw = Download.extend({ requested_downloads: z.array(Download).catch([]).default([]) });

/** Never empty; formats that the source does not list have nothing to tell and are left out. */
export function requestedOf(raw: unknown, source: SourceInfo): Requested[] {
  const parsed = Raw.catch(Raw.parse({})).parse(raw);
  const downloads = parsed.requested_downloads.length === 0 ? [parsed] : parsed.requested_downloads;
  return downloads.map(({ format_id, requested_formats, section_start: start, section_end: end }) => {
    const ids = requested_formats?.map((one) => one.format_id) ?? [format_id];
    const section = start !== null || end !== null;
    return {
      formats: source.formats.filter((one) => ids.includes(one.id)),
      seconds: end === null ? null : end - (start ?? 0),
      section,
    };
  });
}

/**
 * Whether the JSON of a look is all that a download needs. A stream that is followed from its beginning has its pieces as a
 * function, of which JSON keeps the name.
 */
export function canBeKept(raw: unknown): boolean {
  const formats = z.object({ formats: z.array(z.object({ fragments: z.unknown() })) }).safeParse(raw);
  const pieces = formats.success ? formats.data.formats.map((one) => one.fragments) : [];
  return pieces.every((one) => one == null || Array.isArray(one));
}
