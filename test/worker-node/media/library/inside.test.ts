/** Streams that point inside, fetched by the ffmpeg that yt-dlp runs for a user's options. */
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { startEgressProxy } from "../../../../worker-node/egress/proxy.ts";
import { mediaDeps } from "../../../../worker-node/media/run-attempt.ts";
import { startWarmHost } from "../../../../worker-node/media/ytdlp/host/warm-host.ts";
import { testDir } from "../../../leaks.ts";
import { startOrigin } from "../../egress/harness.ts";
import { mediaRequest, runMedia } from "../attempt.ts";
import { realTools } from "../tools.ts";

const SECRET = "the secret inside";
/** Only ffmpeg fetches a part of a stream. */
const ARGS = ["--download-sections", "*0-2", "--retries", "0"];

const playlist = (...lines: string[]) =>
  ["#EXTM3U", "#EXT-X-TARGETDURATION:4", "#EXT-X-PLAYLIST-TYPE:VOD", ...lines, "#EXT-X-ENDLIST", ""].join("\n");

it("gets nothing of a neighbour, nor of the machine, by ffmpeg", async () => {
  const asked: string[] = [];
  const inside = await startOrigin((request, response) => {
    asked.push(request.url ?? "");
    response.end(SECRET.repeat(1_000));
  });
  const pages = new Map<string, string>();
  const site = await startOrigin((request, response) => {
    if (request.url === "/inward.ts") return void response.writeHead(302, { location: `${inside.url}/moved` }).end();
    const page = pages.get(request.url ?? "");
    if (page === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "application/vnd.apple.mpegurl" }).end(page);
  });
  const guard = await startEgressProxy({ allowHosts: [`127.0.0.1:${site.port}`] });
  const root = await testDir("inside-library");
  const secretFile = join(root, "secret.ts");
  await writeFile(secretFile, SECRET.repeat(1_000));
  const near = inside.url.replace("http://", "");
  pages.set("/segment.m3u8", playlist("#EXTINF:4,", `${inside.url}/segment.ts`));
  pages.set("/redirect.m3u8", playlist("#EXTINF:4,", "/inward.ts"));
  pages.set("/key.m3u8", playlist(`#EXT-X-KEY:METHOD=AES-128,URI="${inside.url}/key"`, "#EXTINF:4,", "/inward.ts"));
  pages.set("/bare.m3u8", playlist("#EXTINF:4,", `tcp://${near}/bare.ts`));
  pages.set("/rtmp.m3u8", playlist("#EXTINF:4,", `rtmp://${near}/bare.ts`));
  pages.set("/file.m3u8", playlist("#EXTINF:4,", `file://${secretFile}`));
  pages.set(
    "/sdp.m3u8",
    `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${inside.port} RTP/AVP 96\n`,
  );

  const tools = await realTools();
  const { ytdlp, jsRuntime } = tools;
  const warm = await startWarmHost({ tool: { ...ytdlp, python: ytdlp.python ?? "" }, jsRuntime, log: () => {} });
  const deps = mediaDeps(tools, warm);
  const refused: string[] = [];
  const library = { args: ARGS, template: "%(title)s.%(ext)s", template_chapter: "%(section_title)s.%(ext)s" };
  const work = [...pages.keys()];
  const worker = async () => {
    for (let path = work.shift(); path !== undefined; path = work.shift()) {
      const dir = await testDir("inside-run");
      const way = guard.openAttempt(path);
      const request = mediaRequest(`${site.url}${path}`, dir, { library }, { proxyUrl: way.proxyUrl });
      await expect(runMedia(request, deps)).rejects.toMatchObject({ name: "MediaFailure" });
      if (way.refusals().some(({ reason }) => reason === "private")) refused.push(path);
      for (const file of readdirSync(dir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile()))
        expect(readFileSync(join(file.parentPath, file.name)).includes(SECRET)).toBe(false);
    }
  };
  await Promise.all([worker(), worker()]);
  await Promise.all([guard.close(), site.close(), inside.close(), warm.stop()]);
  expect(asked).toEqual([]);
  expect(refused).toEqual(expect.arrayContaining(["/segment.m3u8", "/redirect.m3u8"]));
});
