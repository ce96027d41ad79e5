import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WATCH } from "./pages.ts";
import { type Origin, startOrigin } from "./server.ts";

const MAKE_TIMEOUT_MILLIS = 120_000;
const SERVE = fileURLToPath(new URL("serve.ts", import.meta.url));

describe("pages and the feed", () => {
  let origin: Origin;
  const page = async (path: string) => (await fetch(`${origin.url}/${path}`)).text();
  beforeAll(async () => {
    origin = await startOrigin();
  }, MAKE_TIMEOUT_MILLIS);
  afterAll(() => origin.close());

  it("describes its video in JSON-LD and Open Graph", async () => {
    const html = await page("pages/watch");
    const [, json = ""] = /<script type="application\/ld\+json">(.*)<\/script>/.exec(html) ?? [];
    expect(JSON.parse(json)).toMatchObject({
      name: WATCH.title,
      description: WATCH.description,
      uploadDate: WATCH.uploadDate,
      contentUrl: `${origin.url}/video-720.mp4`,
      thumbnailUrl: [`${origin.url}/thumbs/thumb.jpg`],
    });
    expect(html).toContain(`<meta property="og:video" content="${origin.url}/video-720.mp4">`);
  });

  it("has every file that its pages and its feed point to", async () => {
    const texts = await Promise.all(["pages/watch", "pages/html5", "pages/gallery", "feed.xml"].map(page));
    const links = texts.join("\n").matchAll(/(?:src|content|url|href)="((?:http|\/)[^"]*)"|<link>([^<]+)/g);
    const addresses = new Set([...links].map(([, quoted, tagged]) => new URL(quoted ?? tagged ?? "", origin.url).href));
    expect(addresses.size).toBeGreaterThan(12);
    for (const address of addresses) {
      const response = await fetch(address, { method: "HEAD" });
      expect([address, response.status]).toEqual([address, 200]);
    }
  });

  it("lists three episodes with their true sizes, newest first, and fewer when asked", async () => {
    const xml = await page("feed.xml");
    const enclosures = [...xml.matchAll(/<enclosure url="([^"]*)" length="(\d+)"/g)];
    expect(enclosures.map(([, url]) => url)).toEqual([3, 2, 1].map((n) => `${origin.url}/episodes/${n}.mp3`));
    for (const [, url = "", length] of enclosures) {
      expect((await fetch(url, { method: "HEAD" })).headers.get("content-length")).toBe(length);
    }
    expect(await page("feed.xml?items=1")).toContain("beep-hour-1");
    expect(await page("feed.xml?items=1")).not.toContain("beep-hour-2");
  });
});

describe("a running site", () => {
  it("logs requests and lets a test wait for one, whether it has come or not", async () => {
    const origin = await startOrigin();
    const coming = origin.waitForRequest("/audio", 2);
    await fetch(`${origin.url}/audio.mp3`, { headers: { range: "bytes=0-1", "user-agent": "test" } });
    await fetch(`${origin.url}/audio.m4a?x=1`, { method: "HEAD" });
    expect(await coming).toMatchObject({ method: "HEAD", path: "/audio.m4a?x=1", range: null });
    expect(await origin.waitForRequest("/audio")).toMatchObject({ range: "bytes=0-1", userAgent: "test" });
    expect(origin.requests).toHaveLength(2);
    expect(await (await fetch(`${origin.url}/requests`)).json()).toEqual(origin.requests);
    await origin.close();
  });

  it("ends every connection and every wait when it closes", async () => {
    const origin = await startOrigin();
    const paths = ["hold/k/video-360.mp4", "stall/video-360.mp4", "slow/10/video-360.mp4", "endless/video-360.mp4"];
    const responses = await Promise.all(paths.map((path) => fetch(`${origin.url}/${path}`)));
    const ends = responses.map((response) => expect(response.arrayBuffer()).rejects.toThrow());
    const waits = [
      expect(origin.waitForRequest("/never")).rejects.toThrow("1 more requests for /never"),
      expect(origin.waitForHeld("never")).rejects.toThrow("held 0 times"),
    ];
    await origin.close();
    await Promise.all([...ends, ...waits]);
    expect(origin.inFlight).toBe(0);
    await origin.close();
  });

  it("runs as a process that says where it is and stops at SIGTERM", async () => {
    const child = spawn(process.execPath, [SERVE, "--port", "0"], { stdio: ["ignore", "pipe", "ignore"] });
    const [line] = await once(createInterface(child.stdout), "line");
    const { url } = JSON.parse(line);
    expect((await fetch(`${url}/feed.xml`)).status).toBe(200);
    const stalled = await fetch(`${url}/stall/video-360.mp4`);
    child.kill("SIGTERM");
    expect(await once(child, "exit")).toEqual([0, null]);
    await expect(stalled.arrayBuffer()).rejects.toThrow();
  });
});
