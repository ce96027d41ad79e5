import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExpandResult } from "../../../../shared/contract/calls.ts";
import { resolveShow, toResult } from "../../../../worker-node/calls/spotify/resolve-show.ts";
import { resolveShowServices, type ShowServices } from "../../../../worker-node/calls/spotify/services.ts";
import { MediaFailure } from "../../../../worker-node/media/failure.ts";
import { SHOWS } from "../../../origin/podcasts.ts";
import { type Origin, startOrigin } from "../../../origin/server.ts";

let origin: Origin;
beforeAll(async () => {
  origin = await startOrigin();
});
afterAll(() => origin.close());

const never = () => new AbortController().signal;

function resolve(id: string, limit = 50, services: ShowServices = {}, signal = never()) {
  const deps = {
    services: resolveShowServices({
      spotifyUrl: `${origin.url}/spotify`,
      directoryUrl: `${origin.url}/podcasts`,
      ...services,
    }),
    guard: { allowPrivate: true },
  };
  return resolveShow({ url: `https://open.spotify.com/show/${id}?si=1`, limit }, deps, signal);
}

async function shown(id: string, limit?: number) {
  const found = ExpandResult.parse(await resolve(id, limit));
  const place = (url: string | null) => url?.replace(origin.url, "") ?? null;
  return { ...found, rows: found.entries.map((one) => [one.title, place(one.url), place(one.media_url), one.skip]) };
}

const page = (name: string) => `https://open.spotify.com/episode/${name.padEnd(22, "0")}`;
const DRM = "Content is protected by DRM";

describe("a show", () => {
  it("is its page's episodes, each with its audio out of the feed, or a reason to skip it", async () => {
    const found = await shown(SHOWS.beepHour);
    expect(found).toMatchObject({ title: "The Beep Hour", truncated: false });
    expect(found.rows).toEqual([
      ["Episode 3: 8 beeps", page("Episode3"), "/episodes/3.mp3", null],
      ["A talk behind the wall", page("Episode9"), null, DRM],
      ["Episode 2 – 7 Beeps", page("Episode2"), "/episodes/2.mp3", null],
      ["Episode 1: 6 beeps", page("Episode1"), "/episodes/1.mp3", null],
    ]);
    expect(found.entries[0]).toMatchObject({
      description: "About Episode 3: 8 beeps.",
      release_date: "2024-01-03T12:00:00Z",
    });
  });

  it("ends at the limit, and says that there is more", async () => {
    const found = await shown(SHOWS.beepHour, 2);
    expect(found.entries).toHaveLength(2);
    expect(found.truncated).toBe(true);
  });

  it("of whose page little is to be read goes on with the feed", async () => {
    expect((await shown(SHOWS.newestOnly)).rows).toEqual([
      ["Episode 3: 8 beeps", page("Episode3"), "/episodes/3.mp3", null],
      ["Episode 2: 7 beeps", "/episodes/2.mp3", null, null],
      ["Episode 1: 6 beeps", "/episodes/1.mp3", null, null],
    ]);
  });

  it.each(["walled", "namesake"] as const)("without an open feed (%s) has nothing to download", async (name) => {
    const found = await shown(SHOWS[name]);
    expect(found.rows.map(([title, , media, skip]) => [title, media, skip])).toEqual([
      ["Gardening", null, DRM],
      ["More gardening", null, DRM],
    ]);
  });
});

describe("a show fails", () => {
  const rows: [string, string, () => ShowServices, string][] = [
    ["that does not exist", "Gone000000000000000000", () => ({}), "removed"],
    ["behind a robot check", SHOWS.beepHour, () => ({ spotifyUrl: `${origin.url}/status/403` }), "bot"],
    ["asked for too often", SHOWS.beepHour, () => ({ spotifyUrl: `${origin.url}/status/429` }), "rate"],
    ["whose site is down", SHOWS.beepHour, () => ({ spotifyUrl: `${origin.url}/status/503` }), "network"],
    [
      "whose page says nothing",
      SHOWS.beepHour,
      () => ({ spotifyUrl: `${origin.url}/redirect/302/pages/plain?` }),
      "media",
    ],
    ["when the directory is down", SHOWS.beepHour, () => ({ directoryUrl: `${origin.url}/status/503` }), "network"],
    ["when the directory is closed", SHOWS.beepHour, () => ({ directoryUrl: `${origin.url}/status/403` }), "network"],
    [
      "when the directory is none",
      SHOWS.beepHour,
      () => ({ directoryUrl: `${origin.url}/redirect/302/pages/plain?` }),
      "network",
    ],
    ["when nobody answers", SHOWS.beepHour, () => ({ spotifyUrl: "http://127.0.0.1:1" }), "network"],
  ];
  it.each(rows)("%s", async (_why, id, services, expected) => {
    await expect(resolve(id, 50, services())).rejects.toMatchObject({ name: "MediaFailure", class: expected });
  });

  it("that is no show", async () => {
    const deps = { services: resolveShowServices(), guard: {} };
    const request = { url: "https://open.spotify.com/episode/x", limit: 1 };
    await expect(resolveShow(request, deps, never())).rejects.toMatchObject({ class: "unsupported" });
  });

  it("where private addresses are closed, the operator's own services included", async () => {
    const deps = { services: resolveShowServices({ spotifyUrl: `${origin.url}/spotify` }), guard: {} };
    const request = { url: `https://open.spotify.com/show/${SHOWS.beepHour}`, limit: 1 };
    await expect(resolveShow(request, deps, never())).rejects.toMatchObject({ class: "unsupported" });
  });

  it("at once when its deadline comes, and holds no connection", async () => {
    const over = new AbortController();
    const resolving = resolve(SHOWS.beepHour, 50, { spotifyUrl: `${origin.url}/stall/spotify` }, over.signal);
    await origin.waitForRequest("/stall/spotify");
    over.abort(new MediaFailure("timeout"));
    await expect(resolving).rejects.toMatchObject({ class: "timeout" });
    await origin.idle();
  });
});

describe("toResult", () => {
  const episode = (id: string, title: string, day: string | null) => ({
    id,
    title,
    description: null,
    releaseDate: day === null ? null : `${day}T06:00:00Z`,
  });
  const item = (title: string, day: string | null) => ({
    title,
    description: "<b>Notes</b>",
    releaseDate: day === null ? null : `${day}T06:00:00Z`,
    enclosure: `https://a.example/${title}.mp3`,
  });
  const page = {
    title: "S",
    publisher: null,
    total: 9 as number | null,
    episodes: [episode("c", "C", "2026-03-01"), episode("b", "B", "2026-02-01")],
  };
  const items = [item("C", "2026-03-01"), item("B renamed", "2026-02-20"), item("A", "2026-01-01"), item("Z", null)];
  const feed = { items, matches: [items[0] ?? null, null] };

  it("adds what lies outside the time that the page covers, and no episode twice", () => {
    const { entries, truncated } = toResult(page, feed, 50);
    expect(entries.map((one) => [one.title, one.url, one.skip])).toEqual([
      ["C", "https://open.spotify.com/episode/c", null],
      ["B", "https://open.spotify.com/episode/b", DRM],
      ["A", "https://a.example/A.mp3", null],
      ["Z", "https://a.example/Z.mp3", null],
    ]);
    expect(entries[0]?.description).toBe("Notes");
    // The page speaks of nine.
    expect(truncated).toBe(true);
  });

  it("adds nothing to a page that lists all", () => {
    const { entries, truncated } = toResult({ ...page, total: 2 }, feed, 50);
    expect(entries).toHaveLength(2);
    expect(truncated).toBe(false);
  });

  it("stops at the limit within the feed's own items", () => {
    const { entries, truncated } = toResult({ ...page, total: null }, feed, 3);
    expect(entries.map((one) => one.title)).toEqual(["C", "B", "A"]);
    expect(truncated).toBe(true);
  });
});
