/**
 * What a page of Spotify carries as data for its own scripts. Two kinds are known in public: `initialState`, base64 of
 * JSON, in `/show/<id>`; `__NEXT_DATA__`, JSON, in `/embed/show/<id>`, which names the show and its latest episode. Their
 * shapes change from year to year, so nothing is read by its path: an object is a show or an episode by its `uri`, and
 * the names of its fields have stayed the same everywhere.
 */
import { MAX_TITLE_LENGTH } from "../../../shared/limits.ts";
import { clip } from "../../media/tolerant.ts";
import { toIsoDate } from "./dates.ts";
import { descriptionText } from "./plain-text.ts";
import type { Episode, ShowPage } from "./types.ts";

/** A page has some ten thousand values; more than this is not read. */
const MAX_VISITED = 300_000;
const MAX_DEPTH = 80;
const MAX_EPISODES = 10_000;

type Json = Record<string, unknown>;

/** JSON as it is, in base64, or percent-encoded; null for anything else. */
export function decodeState(text: string): unknown {
  const trimmed = text.trim();
  for (const decode of [(same: string) => same, fromBase64, decodeURIComponent]) {
    try {
      return JSON.parse(decode(trimmed));
    } catch {
      // The next form.
    }
  }
  return null;
}

function fromBase64(text: string): string {
  if (!/^[A-Za-z0-9+/=\s]+$/.test(text)) throw new Error("not base64");
  return Buffer.from(text, "base64").toString("utf8");
}

/** Null when the data do not speak of this show. */
export function readState(state: unknown, showId: string): ShowPage | null {
  const uri = `spotify:show:${showId}`;
  const objects = [...walk(state)];
  const named = objects.filter((one) => one.uri === uri);
  const show = named.find((one) => text(one.name) !== null) ?? named[0];
  const own = show === undefined ? [] : [...walk(show)].flatMap(toEpisode);
  // Some pages keep the episodes beside the show; those of other shows stand there, too, as recommendations.
  const beside = () => objects.filter((one) => [uri, null].includes(showOf(one))).flatMap(toEpisode);
  const episodes = unique(own.length > 0 ? own : beside());
  // The embed page has no show object: its latest episode names it.
  const latest = objects.find((one) => one.relatedEntityUri === uri);
  const title = text(show?.name) ?? text(latest?.subtitle);
  if (title === null && episodes.length === 0) return null;
  return { title, publisher: nameOf(show?.publisher), total: totalOf(show), episodes };
}

/** All objects in it, in document order, each before those inside it. */
function* walk(root: unknown): Generator<Json> {
  const stack: { value: unknown; depth: number }[] = [{ value: root, depth: 0 }];
  for (let visited = 0; visited < MAX_VISITED; visited++) {
    const next = stack.pop();
    if (next === undefined) return;
    const { value, depth } = next;
    if (typeof value !== "object" || value === null || depth > MAX_DEPTH) continue;
    if (!Array.isArray(value)) yield value as Json;
    for (const inner of Object.values(value).toReversed()) stack.push({ value: inner, depth: depth + 1 });
  }
}

function toEpisode(one: Json): Episode[] {
  const id = /^spotify:episode:([A-Za-z0-9]{1,40})$/.exec(text(one.uri) ?? "")?.[1];
  const title = text(one.name) ?? text(one.title);
  if (id === undefined || title === null) return [];
  const described = text(one.description) ?? text(one.htmlDescription);
  const released = typeof one.releaseDate === "object" ? (one.releaseDate as Json | null)?.isoString : one.releaseDate;
  return [
    {
      id,
      title: clip(title, MAX_TITLE_LENGTH),
      description: descriptionText(described),
      releaseDate: toIsoDate(released ?? one.release_date),
    },
  ];
}

/** The show that an episode says it belongs to; null when it does not say. */
function showOf(one: Json): string | null {
  const data = (one.podcastV2 as { data?: Json } | undefined)?.data;
  return text(one.relatedEntityUri) ?? text(data?.uri) ?? text((one.show as Json | undefined)?.uri);
}

function totalOf(show: Json | undefined): number | null {
  const page = (show?.episodesV2 ?? show?.episodes) as Json | undefined;
  const total = page?.totalCount ?? page?.total ?? show?.total_episodes;
  return typeof total === "number" && Number.isSafeInteger(total) && total >= 0 ? total : null;
}

/** `"X"` or `{ name: "X" }`. */
export function nameOf(value: unknown): string | null {
  return text(typeof value === "object" && value !== null ? (value as Json).name : value);
}

function unique(episodes: readonly Episode[]): Episode[] {
  return [...new Map(episodes.map((one) => [one.id, one])).values()].slice(0, MAX_EPISODES);
}

function text(value: unknown): string | null {
  return typeof value === "string" && value.trim() !== "" ? value.trim() : null;
}
