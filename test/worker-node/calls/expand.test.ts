import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ExpandResult } from "../../../shared/contract/calls.ts";
import { expand, toExpandResult } from "../../../worker-node/calls/expand.ts";
import { testDir } from "../../leaks.ts";
import { type CallSite, startCallSite } from "./site.ts";

let site: CallSite;
beforeAll(async () => {
  site = await startCallSite();
});
afterAll(() => site.close());

async function expandAt(path: string, limit = 10): Promise<ExpandResult> {
  const context = { dir: await testDir("expand"), proxyUrl: null, signal: new AbortController().signal };
  return ExpandResult.parse(await expand({ url: `${site.origin.url}/${path}`, limit }, site.ytdlp, context));
}

describe("an expansion", () => {
  it("lists a feed's episodes in its order, by the addresses of their audio", async () => {
    const found = await expandAt("feed.xml");
    expect(found).toMatchObject({ title: "The Beep Hour", truncated: false });
    expect(found.entries.map((one) => one.url)).toEqual([3, 2, 1].map((at) => `${site.origin.url}/episodes/${at}.mp3`));
    expect(found.entries[0]).toEqual({
      url: `${site.origin.url}/episodes/3.mp3`,
      title: "Episode 3: 8 beeps",
      description: "In which there are 8 beeps & nothing else.",
      release_date: "2024-01-03T12:00:00Z",
      media_url: null,
      skip: null,
    });
    // The address is what a job will download.
    expect((await fetch(found.entries[0]?.url ?? "")).status).toBe(200);
  });

  it("ends at the limit, and says that there is more", async () => {
    const two = await expandAt("feed.xml", 2);
    expect(two.entries.map((one) => one.title)).toEqual(["Episode 3: 8 beeps", "Episode 2: 7 beeps"]);
    expect(two.truncated).toBe(true);
    expect((await expandAt("feed.xml", 3)).truncated).toBe(false);
  });

  it("lists the videos of a page by their own addresses", async () => {
    expect((await expandAt("pages/gallery")).entries.map((one) => one.url)).toEqual(
      ["video-360.mp4", "vertical.mp4", "video-1080.mp4"].map((file) => `${site.origin.url}/${file}`),
    );
  });

  it.each(["video-360.mp4", "hls/master.m3u8", "pages/watch"])("makes a list of one of /%s", async (path) => {
    const found = await expandAt(path);
    expect(found.entries.map((one) => one.url)).toEqual([`${site.origin.url}/${path}`]);
    expect(found).toMatchObject({ title: found.entries[0]?.title, truncated: false });
  });

  it("of a feed with one episode is a list of one", async () => {
    expect((await expandAt("feed.xml?items=1", 1)).entries).toHaveLength(1);
  });
});

describe("toExpandResult", () => {
  const list = (entries: unknown) => toExpandResult({ _type: "playlist", title: 7, entries }, "https://a/list", 2);

  it("drops entries without an http address, but knows that they were there", () => {
    const found = list([{ url: "file:///etc/passwd" }, { url: "https://a/1", title: "x".repeat(600) }, { url: null }]);
    expect(found.entries.map((one) => [one.url, one.title?.length])).toEqual([["https://a/1", 500]]);
    expect(found).toMatchObject({ title: null, truncated: true });
  });

  it("opens lists within the list, as a channel's tabs are", () => {
    const tab = (name: string, ...ids: string[]) => ({
      _type: "playlist",
      webpage_url: `https://a/${name}`,
      entries: ids.map((id) => ({ _type: "url", url: `https://a/${id}` })),
    });
    const found = list([tab("videos", "1"), tab("shorts", "2", "3")]);
    expect(found.entries.map((one) => one.url)).toEqual(["https://a/1", "https://a/2"]);
    expect(found.truncated).toBe(true);
  });

  it.each([undefined, "no", [], [null, 7, []]])("takes %j for a list without entries", (entries) => {
    expect(list(entries).entries).toEqual([]);
  });
});
