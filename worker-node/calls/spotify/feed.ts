/**
 * A podcast's RSS feed. Read by htmlparser2 rather than by a strict parser: feeds in the wild have bare ampersands, HTML
 * in their texts and a missing end (also when it is we who cut a long one), and a document type's entities, with which
 * small documents grow large, mean nothing to it.
 */
import { setImmediate } from "node:timers/promises";
import { Parser } from "htmlparser2";
import { MAX_TITLE_LENGTH, MAX_URL_LENGTH } from "../../../shared/limits.ts";
import { clip, httpUrl } from "../../media/tolerant.ts";
import { toIsoDate } from "./dates.ts";
import type { FeedItem } from "./types.ts";

/** The longest show in the directories has fewer. */
const MAX_FEED_ITEMS = 10_000;
/** More text of one element than any field of ours takes. */
const MAX_ELEMENT_LENGTH = 20_000;

/** Read at one go: some 10 ms. A feed of 25 MB would hold up the process for a second (seen). */
const CHUNK_LENGTH = 256 * 1024;

/** Elements of an item that we read, and the field that each fills; a later one does not replace an earlier one. */
const FIELDS: Readonly<Record<string, "title" | "date" | "description">> = {
  title: "title",
  "itunes:title": "title",
  pubdate: "date",
  "dc:date": "date",
  description: "description",
  "itunes:summary": "description",
};

interface Draft {
  title?: string;
  date?: string;
  description?: string;
  enclosure?: string;
}

/** Items with audio, in the feed's order. Anything that is no feed has none. Never rejects. */
export async function parseFeed(xml: string): Promise<FeedItem[]> {
  const items: FeedItem[] = [];
  let draft: Draft | null = null;
  let field: "title" | "date" | "description" | null = null;
  let text = "";
  let depth = 0;
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        const tag = name.toLowerCase();
        if (tag === "item") {
          draft = {};
          depth = 0;
          return;
        }
        if (draft === null) return;
        depth++;
        const audio = tag === "enclosure" ? audioOf(attributes) : null;
        if (audio !== null) draft.enclosure ??= audio;
        // Only the item's own: `<image><title>` inside it is another's title.
        field = depth === 1 ? (FIELDS[tag] ?? null) : field;
        if (depth === 1) text = "";
      },
      ontext(data) {
        if (field !== null && text.length < MAX_ELEMENT_LENGTH) text += data;
      },
      onclosetag(name) {
        if (name.toLowerCase() === "item") {
          const item = draft === null ? null : toItem(draft);
          if (item !== null && items.length < MAX_FEED_ITEMS) items.push(item);
          draft = null;
          field = null;
          return;
        }
        if (draft === null) return;
        depth--;
        if (depth > 0 || field === null) return;
        if (draft[field] === undefined && text.trim() !== "") draft[field] = text.trim();
        field = null;
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  for (let from = 0; from < xml.length; from += CHUNK_LENGTH) {
    parser.write(xml.slice(from, from + CHUNK_LENGTH));
    // Heartbeats and downloads go on meanwhile.
    await setImmediate();
  }
  parser.end();
  return items;
}

function audioOf(attributes: Record<string, string>): string | null {
  const type = attributes.type?.toLowerCase() ?? "";
  return type.startsWith("image/") || type.startsWith("text/") ? null : httpUrl(attributes.url, MAX_URL_LENGTH);
}

function toItem({ title, date, description, enclosure }: Draft): FeedItem | null {
  if (title === undefined || enclosure === undefined) return null;
  return {
    title: clip(title, MAX_TITLE_LENGTH),
    description: description ?? null,
    releaseDate: toIsoDate(date),
    enclosure,
  };
}
