/** A show's public page: several readers in order, each filling what those before it did not know. */
import { MAX_TITLE_LENGTH } from "../../../shared/limits.ts";
import { clip } from "../../media/tolerant.ts";
import { toIsoDate } from "./dates.ts";
import { decodeState, nameOf, readState } from "./page-state.ts";
import { type ScannedPage, scanPage } from "./scan-page.ts";
import type { Episode, ShowPage } from "./types.ts";

const NOTHING: ShowPage = { title: null, publisher: null, total: null, episodes: [] };

/** The 22 characters of base 62 that Spotify gives; shorter ones are taken, too. */
const SHOW_PATH = /\/show\/([A-Za-z0-9]{1,40})(?:\/|$)/;
const EPISODE_PATH = /\/episode\/([A-Za-z0-9]{1,40})(?:[/?#]|$)/;

/** The id in `https://open.spotify.com/show/<id>`, also behind a language (`/intl-de/`) or `/embed/`. */
export function showIdOf(url: string): string | null {
  return URL.canParse(url) ? (SHOW_PATH.exec(new URL(url).pathname)?.[1] ?? null) : null;
}

/** Reads a page as far as it can be read; total, whatever stands in it. */
export function readShowPage(html: string, showId: string): ShowPage {
  const page = scanPage(html);
  const states = page.data.map(({ text }) => decodeState(text)).filter((state) => state !== null);
  const readings = [
    ...states.map((state) => readState(state, showId)),
    ...states.map(readLinkedData),
    readMarkup(page),
  ];
  return readings.reduce<ShowPage>((known, more) => (more === null ? known : fill(known, more)), NOTHING);
}

/** What one page knows, completed by what another one knows. */
export function fill(known: ShowPage, more: ShowPage): ShowPage {
  return {
    title: known.title ?? more.title,
    publisher: known.publisher ?? more.publisher,
    total: known.total ?? more.total,
    episodes: known.episodes.length > 0 ? known.episodes : more.episodes,
  };
}

/** schema.org: a series with its publisher, sometimes with episodes. */
function readLinkedData(state: unknown): ShowPage | null {
  const one = state as Record<string, unknown>;
  const type = String(one["@type"] ?? "");
  if (one["@context"] === undefined || !/podcast|series|product/i.test(type)) return null;
  const listed = [one.episode, one.episodes, one.hasPart].find(Array.isArray) ?? [];
  return {
    title: nameOf(one.name),
    publisher: nameOf(one.publisher) ?? nameOf(one.author) ?? nameOf(one.creator),
    total: null,
    episodes: listed.flatMap((raw: unknown) => {
      const { url, name, description, datePublished } = (raw ?? {}) as Record<string, unknown>;
      const [id, title] = [EPISODE_PATH.exec(String(url))?.[1], nameOf(name)];
      if (id === undefined || title === null) return [];
      return [episode(id, title, toIsoDate(datePublished), nameOf(description))];
    }),
  };
}

/** What is there for people and link previews: Open Graph, and the links to episodes. */
function readMarkup({ metas, links }: ScannedPage): ShowPage {
  const title = metas.get("og:title")?.trim();
  // `Podcast · Publisher · What it is about`.
  const [kind, publisher] = (metas.get("og:description") ?? "").split(" · ");
  const found = new Map<string, Episode>();
  for (const { path, text } of links) {
    const [id, name] = [EPISODE_PATH.exec(path)?.[1], text.replace(/\s+/g, " ").trim()];
    if (id !== undefined && name !== "" && !found.has(id)) found.set(id, episode(id, name, null, null));
  }
  return {
    // Without a show there is the site's own name.
    title: title === undefined || title === "" || /^spotify\b/i.test(title) ? null : clip(title, MAX_TITLE_LENGTH),
    publisher: kind?.trim() === "Podcast" && publisher !== undefined ? publisher.trim() || null : null,
    total: null,
    episodes: [...found.values()],
  };
}

function episode(id: string, title: string, releaseDate: string | null, description: string | null): Episode {
  return { id, title: clip(title, MAX_TITLE_LENGTH), releaseDate, description };
}
