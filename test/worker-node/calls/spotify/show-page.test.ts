import { describe, expect, it } from "vitest";
import { readShowPage, showIdOf } from "../../../../worker-node/calls/spotify/show-page.ts";

const ID = "4rOoJ6Egrf8K2IrywzwOMk";
const SHOW = `spotify:show:${ID}`;

const script = (state: unknown, attributes = 'id="initialState" type="text/plain"') =>
  `<script ${attributes}>${Buffer.from(JSON.stringify(state)).toString("base64")}</script>`;
const json = (state: unknown, attributes = 'type="application/json"') =>
  `<script ${attributes}>${JSON.stringify(state)}</script>`;
const episode = (id: string, name: string, more: object = {}) => ({ uri: `spotify:episode:${id}`, name, ...more });

describe("showIdOf", () => {
  it.each([
    [`https://open.spotify.com/show/${ID}`, ID],
    [`https://open.spotify.com/show/${ID}?si=abc`, ID],
    [`https://open.spotify.com/intl-de/show/${ID}/`, ID],
    [`https://open.spotify.com/embed/show/${ID}`, ID],
    ["https://open.spotify.com/episode/x", null],
    ["https://open.spotify.com/show/../etc", null],
    ["no address", null],
  ])("of %s is %s", (url, expected) => {
    expect(showIdOf(url)).toBe(expected);
  });
});

describe("readShowPage", () => {
  const dated = { releaseDate: { isoString: "2026-06-10T17:00:00.500Z" }, htmlDescription: "<p>A&amp;B</p>" };

  it("reads the show and its episodes out of the page's state, wherever they stand in it", () => {
    const show = {
      uri: SHOW,
      name: "The Show",
      publisher: { name: "The Maker" },
      episodesV2: {
        totalCount: 250,
        items: [{ entity: { data: episode("e1", "One", dated) } }, { entity: { data: episode("e2", "Two") } }],
      },
    };
    const recommended = { uri: "spotify:show:other", name: "Other", latest: episode("x", "Not this") };
    expect(readShowPage(script({ entities: { items: { [SHOW]: show, other: recommended } } }), ID)).toEqual({
      title: "The Show",
      publisher: "The Maker",
      total: 250,
      episodes: [
        { id: "e1", title: "One", description: "A&B", releaseDate: "2026-06-10T17:00:00Z" },
        { id: "e2", title: "Two", description: null, releaseDate: null },
      ],
    });
  });

  it("takes episodes beside the show, but not those of others", () => {
    const state = {
      show: { uri: SHOW, name: "S", publisher: "P", total_episodes: 9 },
      list: [
        episode("a", "Mine", { podcastV2: { data: { uri: SHOW } } }),
        episode("b", "Theirs", { podcastV2: { data: { uri: "spotify:show:other" } } }),
        episode("c", "Nobody's", { release_date: "2026-01-19" }),
        episode("a", "Mine"),
      ],
    };
    const page = readShowPage(script(state), ID);
    expect(page).toMatchObject({ title: "S", publisher: "P", total: 9 });
    expect(page.episodes.map((one) => [one.id, one.releaseDate])).toEqual([
      ["a", null],
      ["c", "2026-01-19T00:00:00Z"],
    ]);
  });

  it("reads the embedded player, which knows the latest episode alone", () => {
    const entity = {
      ...episode("e9", "Latest", { releaseDate: { isoString: "2026-06-10T17:00:00Z" } }),
      title: "Latest",
      subtitle: "The Show",
      relatedEntityUri: SHOW,
    };
    const page = readShowPage(
      json({ props: { pageProps: { state: { data: { entity } } } } }, 'id="__NEXT_DATA__" type="application/json"'),
      ID,
    );
    expect(page).toEqual({
      title: "The Show",
      publisher: null,
      total: null,
      episodes: [{ id: "e9", title: "Latest", description: null, releaseDate: "2026-06-10T17:00:00Z" }],
    });
  });

  it("reads linked data", () => {
    const series = {
      "@context": "https://schema.org/",
      "@type": "PodcastSeries",
      name: "The Show",
      author: { name: "The Maker" },
      episode: [
        { name: "One", url: "https://open.spotify.com/episode/e1?x", datePublished: "2026-01-19" },
        { name: "No address" },
        null,
      ],
    };
    expect(readShowPage(json(series, 'type="application/ld+json"'), ID)).toEqual({
      title: "The Show",
      publisher: "The Maker",
      total: null,
      episodes: [{ id: "e1", title: "One", description: null, releaseDate: "2026-01-19T00:00:00Z" }],
    });
  });

  it("reads the tags for link previews, and the links to episodes", () => {
    const html = `<meta property="og:title" content="Tom &amp; Ann"><meta content="Podcast · The Maker · Talks" property="og:description">
      <a href="/episode/e1"><h4>First <b>one</b></h4></a><a href="/episode/e1">again</a><a href="/show/x">S</a><a href="/episode/e2"></a>`;
    expect(readShowPage(html, ID)).toEqual({
      title: "Tom & Ann",
      publisher: "The Maker",
      total: null,
      episodes: [{ id: "e1", title: "First one", description: null, releaseDate: null }],
    });
  });

  it("lets a later reader fill what an earlier one did not know", () => {
    const html = `${script({ uri: SHOW, name: "By state" })}<meta property="og:title" content="By tag"><meta property="og:description" content="Podcast · P">`;
    expect(readShowPage(html, ID)).toMatchObject({ title: "By state", publisher: "P" });
  });

  it.each([
    "",
    "<html>",
    '<meta property="og:title" content="Spotify – Web Player">',
    script(null),
    script([[[]]]),
    '<script type="application/json">{"a":</script>',
    json({ "@context": 1, "@type": ["x"] }, 'type="application/ld+json"'),
    json({ uri: SHOW, name: 7, publisher: [], episodesV2: 3 }),
  ])("knows nothing of %j", (html) => {
    expect(readShowPage(html, ID)).toEqual({ title: null, publisher: null, total: null, episodes: [] });
  });

  it("does not lose itself in a deep state", () => {
    const deep = `${'{"deep":'.repeat(2_000)}{"uri":"${SHOW}","name":"Deep"}${"}".repeat(2_000)}`;
    expect(readShowPage(`<script type="application/json">${deep}</script>`, ID).title).toBeNull();
  });
});
