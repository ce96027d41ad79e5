/** Sources that point inside: at our network, at this machine, at its files. By yt-dlp, through the guard. */
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EgressAttempt, type EgressProxy, startEgressProxy } from "../../../worker-node/egress/proxy.ts";
import { mediaDeps } from "../../../worker-node/media/run-attempt.ts";
import { commandLineYtDlp } from "../../../worker-node/media/ytdlp/command-line.ts";
import { testDir } from "../../leaks.ts";
import { type Origin, startOrigin } from "../egress/harness.ts";
import { mediaRequest, runMedia } from "./attempt.ts";
import { FAST } from "./live/seer.ts";
import { realTools } from "./tools.ts";

const SECRET = "the secret inside";
let site: Origin;
let inside: Origin;
let asked: string[];
let proxy: EgressProxy;
let egress: EgressAttempt;
let root: string;
let secretFile: string;
const pages = new Map<string, string>();
beforeEach(async () => {
  asked = [];
  inside = await startOrigin((request, response) => {
    asked.push(request.url ?? "");
    response.end(SECRET.repeat(1_000));
  });
  site = await startOrigin((request, response) => {
    if (request.url === "/inward") return void response.writeHead(302, { location: `${inside.url}/secret` }).end();
    const page = pages.get(request.url ?? "");
    if (page === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "application/vnd.apple.mpegurl" }).end(page);
  });
  // The site itself is on this machine too: it alone is vouched for.
  proxy = await startEgressProxy({ allowHosts: [`127.0.0.1:${site.port}`] });
  egress = proxy.openAttempt("inside");
  root = await testDir("inside");
  secretFile = join(root, "secret.txt");
  await writeFile(secretFile, SECRET.repeat(1_000));
  pages.clear();
});
afterEach(async () => {
  await proxy.close();
  await site.close();
  await inside.close();
});

const media = (...lines: string[]) =>
  ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-PLAYLIST-TYPE:VOD", ...lines, "#EXT-X-ENDLIST", ""].join("\n");
const segment = (url: string) => media("#EXTINF:4,", url);

/** Tries each in a folder of its own, two at a time; answers what could be seen of the secret. */
async function leaks(
  cases: readonly (readonly [name: string, info: Record<string, unknown>, what?: "subtitle" | "thumbnail"])[],
) {
  const tools = await realTools();
  const ytdlp = commandLineYtDlp(tools.ytdlp, tools.jsRuntime);
  const found: string[] = [];
  const left = [...cases.entries()];
  const worker = async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, [name, info, what]] = next;
      const dir = join(root, String(at));
      await mkdir(dir);
      const formats = [{ format_id: "f", ext: "mp4", ...info }];
      const full =
        what === "subtitle"
          ? { formats: [{ format_id: "f", url: `${site.url}/x`, ext: "mp4" }], subtitles: { en: [info] } }
          : { formats };
      await writeFile(
        join(dir, "info.json"),
        JSON.stringify({ id: "i", title: "t", extractor: "generic", extractor_key: "Generic", ...full }),
      );
      const context = { dir, proxyUrl: egress.proxyUrl, signal: new AbortController().signal };
      const work =
        what === "subtitle"
          ? ytdlp.subtitle({ language: "en", automatic: false, ext: "vtt", fileName: "subtitle-0" }, context)
          : what === "thumbnail"
            ? ytdlp.thumbnail({ url: String(info.url), fileName: "thumbnail" }, context)
            : ytdlp.download({ formatId: "f", fileName: "source-0", maxBytes: null, onProgress: () => {} }, context);
      await work.catch(() => null);
      for (const file of readdirSync(dir)) {
        if (!file.endsWith(".json") && readFileSync(join(dir, file)).includes(SECRET)) found.push(`${name}: ${file}`);
      }
    }
  };
  await Promise.all([worker(), worker()]);
  return found;
}

describe("a source that points inside", () => {
  it("gets nothing of a neighbour, whatever part of it points there", async () => {
    const at = `${inside.url}/secret`;
    pages.set("/segment", segment(at));
    pages.set("/redirect", segment("/inward"));
    pages.set(
      "/key",
      media(`#EXT-X-KEY:METHOD=AES-128,URI="${at}",IV=0x00000000000000000000000000000000`, "#EXTINF:4,", "/segment"),
    );
    pages.set("/map", media(`#EXT-X-MAP:URI="${at}"`, "#EXTINF:4,", "/segment"));
    const hls = (path: string) => ({ protocol: "m3u8_native", url: `${site.url}${path}` });
    const found = await leaks([
      ["a segment", hls("/segment")],
      ["a segment's redirect", hls("/redirect")],
      ["a key", hls("/key")],
      ["an initialisation part", hls("/map")],
      ["a DASH fragment", { protocol: "http_dash_segments", url: `${site.url}/x`, fragments: [{ url: at }] }],
      ["a file's redirect", { protocol: "http", url: `${site.url}/inward` }],
      ["a thumbnail", { url: at }, "thumbnail"],
      ["a thumbnail's redirect", { url: `${site.url}/inward` }, "thumbnail"],
      ["a subtitle", { url: at, ext: "vtt" }, "subtitle"],
    ]);
    expect(found).toEqual([]);
    expect(asked).toEqual([]);
    expect(egress.refusals().length).toBeGreaterThanOrEqual(8);
    expect(egress.refusals().every(({ reason }) => reason === "private")).toBe(true);
  });

  it.each([
    ["a segment", (at: string) => segment(at)],
    ["a segment's redirect", () => segment("/inward")],
    ["a key", (at: string) => media(`#EXT-X-KEY:METHOD=AES-128,URI="${at}"`, "#EXTINF:4,", "/segment")],
    ["an initialisation part", (at: string) => media(`#EXT-X-MAP:URI="${at}"`, "#EXTINF:4,", "/segment")],
    [
      "a live segment",
      (at: string) =>
        segment(at)
          .replace("#EXT-X-ENDLIST\n", "")
          .replace(/#EXT-X-PLAYLIST.*\n/, ""),
    ],
  ])("is told as an unsupported URL, which no repeat makes better: %s", async (_, playlist) => {
    pages.set("/list.m3u8", playlist(`${inside.url}/secret`));
    pages.set("/segment", "not media");
    const { proxyUrl, direct, refusals } = egress;
    const deps = { ...mediaDeps(await realTools(), undefined, { allowHosts: [`127.0.0.1:${site.port}`] }), live: FAST };
    const url = `${site.url}/list.m3u8`;
    const request = mediaRequest(url, root, {}, { proxyUrl, direct, refusals });
    await expect(runMedia(request, deps)).rejects.toMatchObject({ class: "unsupported" });
    expect(asked).toEqual([]);
  });

  it("gets nothing of a file, by whatever protocol of whatever tool", async () => {
    const addresses = [
      `file://${secretFile}`,
      `file:${secretFile}`,
      `concat:${secretFile}|${secretFile}`,
      `subfile,,start,0,end,100,,:${secretFile}`,
      `crypto:${secretFile}`,
      secretFile,
    ];
    for (const [at, address] of addresses.entries()) pages.set(`/${at}`, segment(address));
    const found = await leaks([
      ...addresses.map(
        (address, at) => [`a segment ${address}`, { protocol: "m3u8_native", url: `${site.url}/${at}` }] as const,
      ),
      ["a playlist for ffmpeg", { protocol: "m3u8", url: `${site.url}/0` }],
      ["a format", { protocol: "http", url: `file://${secretFile}` }],
      ["a live stream", { protocol: "rtmp", url: `rtmp://${inside.url.slice(7)}/secret` }],
      ["a thumbnail", { url: `file://${secretFile}` }, "thumbnail"],
      ["a subtitle", { url: `file://${secretFile}`, ext: "vtt" }, "subtitle"],
    ]);
    expect(found).toEqual([]);
    expect(asked).toEqual([]);
  });

  it("would get the neighbour's answer if the guard let it", async () => {
    await proxy.close();
    proxy = await startEgressProxy({ allowPrivate: true });
    egress = proxy.openAttempt("inside");
    pages.set("/segment", segment(`${inside.url}/secret`));
    expect(await leaks([["a segment", { protocol: "m3u8_native", url: `${site.url}/segment` }]])).toHaveLength(1);
  });
});

describe("a source with hostile names", () => {
  it.each([
    ["a way out of the folder", "../../escaped"],
    ["what a desktop would run", "desktop"],
    ["five thousand letters", "e".repeat(5_000)],
    ["all else that is odd", "-con\u202e\u0000\u001b[31m😀.exe"],
  ])("%s as its endings leaves files of our names only", async (_what, ext) => {
    pages.set("/text", "WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n");
    const url = `${site.url}/text`;
    const dir = join(root, "names");
    await mkdir(dir);
    const info = {
      id: ext,
      title: ext,
      fulltitle: ext,
      display_id: ext,
      extractor: ext,
      extractor_key: "Generic",
      _filename: ext,
      formats: [{ format_id: "f", url, ext, protocol: "http", format_note: ext }],
      subtitles: { en: [{ url, ext, name: ext }] },
    };
    await writeFile(join(dir, "info.json"), JSON.stringify(info));
    const tools = await realTools();
    const ytdlp = commandLineYtDlp(tools.ytdlp, tools.jsRuntime);
    const context = { dir, proxyUrl: egress.proxyUrl, signal: new AbortController().signal };
    const quiet = () => null;
    await Promise.all([
      ytdlp
        .download({ formatId: "f", fileName: "source-0", maxBytes: null, onProgress: () => {} }, context)
        .catch(quiet),
      ytdlp.subtitle({ language: "en", automatic: false, ext, fileName: "subtitle-0" }, context).catch(quiet),
    ]);
    expect(readdirSync(root).sort()).toEqual(["names", "secret.txt"]);
    const strange = readdirSync(dir).filter(
      (name) =>
        !/^(info\.json|source-0|(source|subtitle)-0\.request\.json|subtitle-0\.chosen\.[\w-]{1,20})$/.test(name),
    );
    expect(strange).toEqual([]);
  });
});
