/** The entries of a list, from yt-dlp's flat answer. */
import { z } from "zod";
import { MAX_TITLE_LENGTH, MAX_URL_LENGTH } from "../../../shared/limits.ts";
import type { ListEntry } from "./port.ts";

const text = z.string().nullable().catch(null).default(null);
const Entry = z.object({ url: text, webpage_url: text, id: text, title: text, playlist_webpage_url: text });

/** True when yt-dlp's answer is a list rather than one item. */
export function isList(raw: Record<string, unknown>): boolean {
  return raw._type === "playlist" || raw._type === "multi_video";
}

/** Lists within lists are opened so deep; yt-dlp nests one deep. */
const MAX_NESTING = 3;

/** Entries without an http(s) address are dropped: private or deleted items keep their place in a list, but have none. */
export function toEntries(raw: unknown): ListEntry[] {
  return flatEntries(raw).flatMap(toEntry);
}

/** The items of a list, those of lists in it included: a channel with shorts and streams comes as one list a tab. */
export function flatEntries(raw: unknown, nesting = 0): unknown[] {
  if (!Array.isArray(raw) || nesting > MAX_NESTING) return [];
  return raw.flatMap((entry: unknown) => {
    const inner = typeof entry === "object" && entry !== null ? (entry as Record<string, unknown>) : {};
    return isList(inner) && Array.isArray(inner.entries) ? flatEntries(inner.entries, nesting + 1) : [entry];
  });
}

function toEntry(raw: unknown): ListEntry[] {
  const parsed = Entry.safeParse(raw);
  if (!parsed.success) return [];
  const entry = parsed.data;
  // Several videos of one page share the page's address: then the media's own address is the only one that tells them apart.
  const own = entry.webpage_url !== null && entry.webpage_url !== entry.playlist_webpage_url ? entry.webpage_url : null;
  const url = plainUrl(own ?? entry.url ?? "");
  if (url === null) return [];
  return [{ url, id: entry.id, title: entry.title?.slice(0, MAX_TITLE_LENGTH) ?? null }];
}

/** Takes off what yt-dlp hides behind `#__youtubedl_smuggle=` for itself. */
function plainUrl(url: string): string | null {
  const plain = url.split("#__youtubedl_smuggle", 1)[0] ?? "";
  return plain.length <= MAX_URL_LENGTH && /^https?:\/\//i.test(plain) && URL.canParse(plain) ? plain : null;
}
