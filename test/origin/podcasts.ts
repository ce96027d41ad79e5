/**
 * A music service's pages of podcast shows, and a directory of podcasts, in the forms that are known in public of
 * open.spotify.com (state of 2026) and of Apple's search API. Neither was ever asked.
 */
import { escapeHtml } from "./pages.ts";

/** Twenty-two characters, as theirs are. */
export const SHOWS = {
  /** Four episodes: three that the feed has, too, one of them under a slightly other title, and one that it has not. */
  beepHour: "BeepHour00000000000000",
  /** The page is a shell without data; the embedded player names the latest episode. */
  newestOnly: "NewestOnly000000000000",
  /** Not in the directory. */
  walled: "WalledGarden0000000000",
  /** Bears the name of the first one, but is another's. */
  namesake: "Namesake00000000000000",
} as const;

interface Episode {
  readonly id: string;
  readonly name: string;
  readonly date: string;
}

const episode = (number: number, name: string, date: string): Episode => ({
  id: `Episode${number}`.padEnd(22, "0"),
  name,
  date,
});

const BEEPS: readonly Episode[] = [
  episode(3, "Episode 3: 8 beeps", "2024-01-03T12:00:00Z"),
  episode(9, "A talk behind the wall", "2024-01-02T18:00:00Z"),
  episode(2, "Episode 2 – 7 Beeps", "2024-01-02T12:00:00Z"),
  episode(1, "Episode 1: 6 beeps", "2024-01-01T12:00:00Z"),
];
const OTHERS: readonly Episode[] = [
  episode(21, "Gardening", "2024-02-01T00:00:00Z"),
  episode(22, "More gardening", "2024-02-02T00:00:00Z"),
];

const PAGES: Readonly<Record<string, () => string>> = {
  [`show/${SHOWS.beepHour}`]: () => showPage(SHOWS.beepHour, "The Beep Hour", "Fixture Radio", BEEPS),
  [`show/${SHOWS.walled}`]: () => showPage(SHOWS.walled, "Walled Garden", "Fixture Radio", OTHERS),
  [`show/${SHOWS.namesake}`]: () => showPage(SHOWS.namesake, "The Beep Hour", "Somebody Else", OTHERS),
  [`show/${SHOWS.newestOnly}`]: () =>
    html(
      `${meta("og:title", "The Beep Hour")}${meta("og:description", "Podcast · Fixture Radio · One beep a second.")}`,
    ),
  [`embed/show/${SHOWS.newestOnly}`]: () => embedPage(SHOWS.newestOnly, "The Beep Hour", BEEPS[0]),
};

/** The page at `show/<id>` or `embed/show/<id>`; null if there is none. */
export function musicServicePage(path: string): string | null {
  return PAGES[path]?.() ?? null;
}

/** The answer of `search?media=podcast&term=…`: shows whose title has all words of the term, or its author's. */
export function directorySearch(query: URLSearchParams, address: string): string {
  const words = (query.get("term") ?? "").toLowerCase().split(/\s+/);
  const shows = [
    { collectionName: "The Beep Hour", artistName: "Other People", feedUrl: `${address}/pages/plain` },
    { collectionName: "The Beep Hour", artistName: "Fixture Radio", feedUrl: `${address}/feed.xml` },
    { collectionName: "The Beep Hour Fan Club", artistName: "A Fan", feedUrl: `${address}/feed.xml?items=1` },
  ];
  const results = shows.filter(({ collectionName, artistName }) =>
    words.every((word) => `${collectionName} ${artistName}`.toLowerCase().includes(word)),
  );
  const found = query.get("media") === "podcast" ? results : [];
  return JSON.stringify({
    resultCount: found.length,
    results: found.map((show) => ({ wrapperType: "track", kind: "podcast", trackName: show.collectionName, ...show })),
  });
}

function showPage(id: string, name: string, publisher: string, episodes: readonly Episode[]): string {
  const state = {
    entities: {
      items: {
        [`spotify:show:${id}`]: {
          __typename: "Podcast",
          uri: `spotify:show:${id}`,
          name,
          publisher: { name: publisher },
          episodesV2: {
            totalCount: episodes.length,
            items: episodes.map((one) => ({
              entity: {
                __typename: "EpisodeResponseWrapper",
                data: {
                  __typename: "Episode",
                  uri: `spotify:episode:${one.id}`,
                  name: one.name,
                  description: `About ${one.name}.`,
                  releaseDate: { isoString: one.date },
                },
              },
            })),
          },
        },
      },
    },
  };
  const base64 = Buffer.from(JSON.stringify(state)).toString("base64");
  return html(`${meta("og:title", name)}<script id="initialState" type="text/plain">${base64}</script>`);
}

function embedPage(showId: string, show: string, latest: Episode | undefined): string {
  const entity = {
    type: "episode",
    uri: `spotify:episode:${latest?.id}`,
    name: latest?.name,
    title: latest?.name,
    subtitle: show,
    relatedEntityUri: `spotify:show:${showId}`,
    releaseDate: { isoString: latest?.date },
  };
  const data = { props: { pageProps: { state: { data: { entity } } } }, query: { id: showId } };
  return html(`<script id="__NEXT_DATA__" type="application/json">${JSON.stringify(data)}</script>`);
}

const meta = (property: string, content: string) => `<meta property="${property}" content="${escapeHtml(content)}">`;
const html = (head: string) => `<!doctype html><html><head>${head}</head><body><div id="main"></div></body></html>`;
