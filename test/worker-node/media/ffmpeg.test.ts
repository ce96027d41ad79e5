import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureFreeDisk, freeBytes } from "../../../worker-node/media/disk.ts";
import { listPackets, parsePackets } from "../../../worker-node/media/ffmpeg/packets.ts";
import { plainFormat } from "../../../worker-node/media/ffmpeg/plain.ts";
import { parseProbe, probe } from "../../../worker-node/media/ffmpeg/probe.ts";
import { ProgressReader } from "../../../worker-node/media/ffmpeg/progress.ts";
import { runFfmpeg } from "../../../worker-node/media/ffmpeg/run.ts";
import type { Tools } from "../../../worker-node/tools.ts";
import { realTools } from "./tools.ts";

let dir: string;
let tools: Tools;
beforeAll(async () => {
  tools = await realTools();
  dir = mkdtempSync(join(tmpdir(), "trawl-ffmpeg-"));
  const make = (...args: string[]): void =>
    void execFileSync(tools.ffmpeg.command[0] ?? "", ["-v", "error", "-y", ...args], { cwd: dir });
  const picture = ["-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4", "-f", "lavfi", "-i", "sine=d=4"];
  make(...picture, "-c:v", "libx264", "-g", "25", "-preset", "ultrafast", "-c:a", "aac", "a.mp4");
  make("-i", "a.mp4", "-c", "copy", "a.ts");
  make("-i", "a.mp4", "-c", "copy", "a.mov");
  make("-i", "a.mp4", "-c", "copy", "a.mkv");
  make("-i", "a.mp4", "-c", "copy", "-movflags", "frag_keyframe+empty_moov", "fragmented.mp4");
  make("-i", "a.mp4", "-vn", "-c", "copy", "a.m4a");
  make("-i", "a.mp4", "-vn", "a.mp3");
  make("-i", "a.mp4", "-vn", "-c:a", "libopus", "a.webm");
  make("-i", "a.mp4", "-vn", "-c:a", "libopus", "a.opus");
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe("plainFormat knows what a file already is", () => {
  it.each([
    ["a.mp4", "mp4"],
    ["a.mov", "mov"],
    ["a.m4a", "m4a"],
    ["a.mkv", "mkv"],
    ["a.webm", "webm"],
    ["a.mp3", "mp3"],
    ["a.opus", "ogg"],
    ["a.ts", null],
    ["fragmented.mp4", null],
  ])("%s is %s", async (name, expected) => {
    const path = join(dir, name);
    expect(await plainFormat(path, await probe(tools.ffprobe, path, { dir }))).toBe(expected);
  });
});

describe("ffprobe and ffmpeg open one local file and nothing else", () => {
  it.each([
    ["an HLS playlist", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n"],
    ["a concat script", "ffconcat version 1.0\nfile a.mp4\n"],
    ["a session description", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n"],
    ["plain words", "hello"],
  ])("not %s", async (_title, text) => {
    const path = join(dir, "source-0");
    writeFileSync(path, text);
    await expect(probe(tools.ffprobe, path, { dir })).rejects.toMatchObject({ class: "media" });
  });

  it("stops an output that grows past its limit", async () => {
    const args = [
      "-re",
      "-f",
      "lavfi",
      "-i",
      "testsrc2=s=640x360:r=25",
      "-c:v",
      "rawvideo",
      "-f",
      "nut",
      "-y",
      "file:big",
    ];
    const running = runFfmpeg(tools.ffmpeg, args, { dir, expectedSeconds: null, maxBytes: 1_000_000 });
    await expect(running).rejects.toMatchObject({ class: "too_large" });
  });
});

describe("listPackets", () => {
  it.each([
    ["a.mp4", 12_800],
    ["a.mkv", 1_000],
    ["a.ts", 90_000],
  ])("of %s names the keyframes around a time, in decoding order", async (name, ticks) => {
    const path = join(dir, name);
    const { startSeconds, streams } = await probe(tools.ffprobe, path, { dir });
    expect(streams[0]?.ticks).toBe(ticks);
    const window = { stream: 0, from: startSeconds + 1.5, to: startSeconds + 3.1 };
    const packets = await listPackets(tools.ffprobe, path, window, { dir });
    const keys = packets.filter(({ key }) => key).map(({ pts }) => pts / ticks - startSeconds);
    for (const second of [2, 3]) expect(keys.some((key) => Math.abs(key - second) < 0.05)).toBe(true);
    expect(packets.map(({ dts }) => dts)).toEqual(packets.map(({ dts }) => dts).toSorted((a, b) => a - b));
  });
  it("goes back at the same pace where Matroska knows no decoding time yet", () => {
    const lines =
      "pts=80|dts=N/A|flags=K_\npts=160|dts=N/A|flags=__\npts=120|dts=80|flags=__\npts=N/A|dts=1|flags=__\npts=200|dts=120|flags=__\n";
    expect(parsePackets(lines).map(({ dts }) => dts)).toEqual([0, 40, 80, 120]);
    expect(parsePackets("error\n\n")).toEqual([]);
  });
});

describe("ProgressReader", () => {
  it("tells position and size at the end of each block", () => {
    const told: unknown[] = [];
    const reader = new ProgressReader((now) => told.push(now));
    const lines = [
      "out_time_us=N/A",
      "total_size=48",
      "progress=continue",
      "out_time_us=2500000",
      "total_size=900",
      "progress=end",
    ];
    for (const line of lines) reader.line(line);
    expect(told).toEqual([
      { seconds: 0, bytes: 48 },
      { seconds: 2.5, bytes: 900 },
    ]);
  });
});

describe("parseProbe", () => {
  it("takes a cover picture for no video", () => {
    const json = {
      streams: [
        { index: 0, codec_type: "audio", codec_name: "mp3" },
        { index: 1, codec_type: "video", codec_name: "png", disposition: { attached_pic: 1 } },
      ],
    };
    expect(parseProbe(JSON.stringify(json)).streams.map((one) => one.kind)).toEqual(["audio", "other"]);
  });
  it.each(["", "[]", "7"])("refuses %j", (text) => {
    expect(() => parseProbe(text)).toThrow("Media processing failed");
  });
});

describe("ensureFreeDisk", () => {
  it("throws class disk when there is no room for the source and its conversion", async () => {
    const free = await freeBytes(dir);
    await expect(ensureFreeDisk(dir, free)).rejects.toMatchObject({ class: "disk" });
    await expect(ensureFreeDisk(dir, 1_000)).resolves.toBeUndefined();
    expect(existsSync(dir)).toBe(true);
  });
});
