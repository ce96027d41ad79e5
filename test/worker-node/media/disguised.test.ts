/** Files that are not what they seem: scripts and playlists in the clothes of a video, by which ffmpeg would open others. */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { inputArguments, type SideDemuxer } from "../../../worker-node/media/ffmpeg/input.ts";
import { probe } from "../../../worker-node/media/ffmpeg/probe.ts";
import { runFfmpeg } from "../../../worker-node/media/ffmpeg/run.ts";
import type { Tools } from "../../../worker-node/tools.ts";
import { testDir } from "../../leaks.ts";
import { type Origin, startOrigin } from "../egress/harness.ts";
import { realTools } from "./tools.ts";

let tools: Tools;
let inside: Origin;
let asked: string[] = [];
let dir: string;
/** A real video of this machine, which nobody's source may reach. */
let secret: string;
beforeAll(async () => {
  tools = await realTools();
  secret = join(await testDir("secret"), "secret.ts");
  const made = ["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=64x64:d=1", "-c:v", "libx264", "-f", "mpegts", secret];
  await promisify(execFile)(tools.ffmpeg.command[0] ?? "", made);
  inside = await startOrigin((request, response) => {
    asked.push(request.url ?? "");
    response.end(readFileSync(secret));
  });
});
afterAll(() => inside.close());
beforeEach(async () => {
  asked = [];
  dir = await testDir("disguised");
});

const playlist = (address: string) =>
  `#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\n${address}\n#EXT-X-ENDLIST\n`;
const manifest = (address: string) =>
  `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>${address}</BaseURL></Representation></AdaptationSet></Period></MPD>`;
const session = () =>
  `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${inside.port} RTP/AVP 96\na=rtpmap:96 H264/90000\n`;

const disguises: [string, (secretUrl: string) => string][] = [
  ["an HLS playlist of a file", () => playlist(secret)],
  ["an HLS playlist of file:", () => playlist(`file:${secret}`)],
  ["an HLS playlist of an address", () => playlist(`${inside.url}/a.ts`)],
  ["an HLS playlist of concat:", () => playlist(`concat:${secret}|${secret}`)],
  ["an HLS playlist of subfile:", () => playlist(`subfile,,start,0,end,9999,,:${secret}`)],
  ["an HLS playlist of crypto:", () => playlist(`crypto:${secret}`)],
  ["an HLS playlist of data:", () => playlist("data:video/mp2t;base64,R0BBEAA=")],
  ["a concat script", () => `ffconcat version 1.0\nfile '${secret}'\n`],
  ["a concat script of an address", () => `ffconcat version 1.0\nfile '${inside.url}/a.ts'\n`],
  ["a DASH manifest of a file", () => manifest(`file://${secret}`)],
  ["a DASH manifest of an address", () => manifest(`${inside.url}/a.mp4`)],
  ["a session description", session],
  ["a list of RealMedia", () => `rtsp://127.0.0.1:${inside.port}/x\n`],
];

describe("a file in the clothes of a video", () => {
  it("would have been followed by a careless ffmpeg", async () => {
    await writeFile(join(dir, "source-0"), playlist(secret));
    const careless = ["-v", "error", "-allowed_extensions", "ALL", "-i", "source-0", "-f", "null", "-"];
    await expect(promisify(execFile)(tools.ffmpeg.command[0] ?? "", careless, { cwd: dir })).resolves.toBeDefined();
  });

  it.each(disguises)("that is %s is read by neither ffprobe nor ffmpeg", async (_what, content) => {
    const path = join(dir, "source-0");
    const output = join(dir, "output.mp4");
    await writeFile(path, content(""));
    await expect(probe(tools.ffprobe, path, { dir })).rejects.toMatchObject({ class: "media" });
    const args = [...inputArguments(path), "-c", "copy", "-f", "mp4", "-y", `file:${output}`];
    await expect(runFfmpeg(tools.ffmpeg, args, { dir, expectedSeconds: null })).rejects.toMatchObject({
      class: "media",
    });
    expect(existsSync(output)).toBe(false);
    expect(asked).toEqual([]);
  });

  it.each<SideDemuxer>(["jpeg_pipe", "png_pipe", "webp_pipe", "gif_pipe", "ffmetadata"])(
    "is not followed either when it stands for a side file (%s)",
    async (demuxer) => {
      const path = join(dir, "side");
      await writeFile(path, playlist(`${inside.url}/a.ts`));
      const picture = demuxer.endsWith("_pipe");
      const to = picture ? ["-f", "mjpeg"] : ["-f", "ffmetadata"];
      const args = [...inputArguments(path, [], demuxer), ...to, "-y", `file:${join(dir, "out")}`];
      await runFfmpeg(tools.ffmpeg, args, { dir, expectedSeconds: null }).catch(() => null);
      expect(asked).toEqual([]);
      if (existsSync(join(dir, "out"))) expect(readFileSync(join(dir, "out")).length).toBeLessThan(200);
    },
  );
});
