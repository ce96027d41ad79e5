import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { FetchTuning } from "../../../worker-node/fetch/fetch-file.ts";
import { downloadClip } from "../../../worker-node/media/direct-clip.ts";
import { probe } from "../../../worker-node/media/ffmpeg/probe.ts";
import { toSourceInfo } from "../../../worker-node/media/source.ts";
import type { Tools } from "../../../worker-node/tools.ts";
import { testDir } from "../../leaks.ts";
import { type Asked, Source, wayOut } from "../fetch/source.ts";
import { CLIPS, expectSameAsWhole, makeClipSources } from "./clip-sources.ts";
import { cutLocal, cutServed, padded } from "./marked/cut.ts";
import { judge } from "./marked/judge.ts";
import { measure } from "./marked/measure.ts";
import { realTools } from "./tools.ts";

const run = promisify(execFile);
let tools: Tools;
let dir: string;
let at: (name: string) => string;
beforeAll(async () => {
  tools = await realTools();
  dir = await testDir("direct-clip");
  at = (name) => join(dir, name);
  await makeClipSources(tools.ffmpeg.command[0] ?? "", dir);
});
afterAll(() => run("rm", ["-rf", dir]));

describe("a clip of one file of which a part is fetched", () => {
  it.each(CLIPS.map((clip) => [clip[0], clip] as const))("%s is that of the whole, frame by frame", (_title, clip) =>
    expectSameAsWhole(tools, dir, clip),
  );

  it("is exact to the frame, with its sound in step", async () => {
    const [source, made] = await Promise.all([
      measure(tools, at("late-picture.mp4")),
      cutServed(tools, [at("late-picture.mp4")], { clip_start_seconds: 6.51, clip_end_seconds: 8.2 }),
    ]);
    judge(source, made, { start: 6.51, end: 8.2 });
    expect(made.effective).toMatchObject({ actual_clip_start: 6.51, actual_clip_end: 8.2 });
  });

  it.each<[string, string[], number]>([
    ["in one piece", ["picture.mp4", "sound.mp4"], 0],
    ["in fragments", ["listed-picture.mp4", "listed-sound.mp4"], 30],
  ])("is put together from two files %s, a part of each", async (_title, names, from) => {
    const options = { clip_start_seconds: from + 6.5, clip_end_seconds: from + 8.2 };
    const { sent, total, strategy, ...part } = await cutServed(tools, names.map(at), options);
    const whole = await cutLocal(tools, names.map(at), options);
    expect(part.effective).toEqual(whole.effective);
    expect(part.frames).toEqual(whole.frames);
    expect(part).toMatchObject({ complaints: "", unordered: 0 });
    expect(part.beeps).toHaveLength(2);
    for (const [nth, beep] of part.beeps.entries()) expect(beep).toBeCloseTo(whole.beeps[nth] ?? 0, 2);
    expect(sent).toBeLessThan(total / 10);
    expect(strategy).toBe("direct");
  });

  it.each(["long-front.mp4", "long-behind.mp4"])(
    "of 20 s out of ten minutes takes a small part of %s",
    async (name) => {
      const options = { clip_start_seconds: 303.3, clip_end_seconds: 323.3 };
      const { sent, total, strategy: _, ...part } = await cutServed(tools, [at(name)], options, 0);
      expect(part).toEqual(await cutLocal(tools, [at(name)], options));
      expect(part.frames).toHaveLength(500);
      // 29 s of 600, and the index, which is 6 % of a file as small as this.
      expect(sent).toBeLessThan(total / 6);
    },
  );

  it("that begins behind the end of the media fails without them", async () => {
    const options = { clip_start_seconds: 700, clip_end_seconds: 720 };
    await expect(cutServed(tools, [at("long-front.mp4")], options, 0)).rejects.toMatchObject({ class: "clip" });
  });
});

/** A file whose index claims so many bytes. */
function withIndexOf(bytes: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(bytes, 0);
  header.write("moov", 4, "latin1");
  const ftyp = readFileSync(at("front.mp4")).subarray(0, 32);
  return Buffer.concat([ftyp, header, Buffer.alloc(bytes + 1_000_000)]);
}

describe("the part of a file", () => {
  let source: Source;
  let out: ReturnType<typeof wayOut>;
  let attempt: string;
  beforeEach(async () => {
    out = wayOut();
    attempt = await testDir("part");
    source = await new Source(padded(readFileSync(at("front.mp4")), 8_000_000)).start();
  });
  afterEach(async () => {
    await out.close();
    await source.close();
  });

  const CLIP = { start: 6.5, end: 7.1, soundOnly: false, apart: false };
  async function fetchPart(
    more: { clip?: Partial<typeof CLIP>; maxBytes?: number; ext?: string; signal?: AbortSignal } = {},
  ) {
    const formats = [{ format_id: "f", url: source.url, protocol: "http", ext: more.ext ?? "mp4" }];
    await writeFile(join(attempt, "info.json"), JSON.stringify({ formats }));
    const [format] = toSourceInfo({ formats }).formats;
    if (format === undefined) throw new Error("no format");
    const told: (number | null)[] = [];
    const onProgress = ({ totalBytes }: { totalBytes: number | null }) => void told.push(totalBytes);
    const wanted = { formatId: "f", fileName: "source-0", maxBytes: more.maxBytes ?? null, onProgress };
    const tuning: FetchTuning = { backoffMs: () => 0 };
    const signal = more.signal ?? new AbortController().signal;
    const context = { dir: attempt, way: out.way, cookieFile: null, signal, tuning };
    return { part: await downloadClip(format, { ...CLIP, ...more.clip }, wanted, tools, context), told };
  }
  const nothingLeft = () => expect(readdirSync(attempt)).toEqual(["info.json"]);

  it("says what was fetched, and nothing else", async () => {
    const { part, told } = await fetchPart();
    expect(part).toMatchObject({ size: source.sentBytes, retries: 0, zero: 0 });
    expect(told.at(-1)).toBe(source.sentBytes);
    expect(source.sentBytes).toBeLessThan(600_000);
    expect(source.asked.slice(1).every(({ headers }) => headers["if-range"] === '"v1"')).toBe(true);
  });

  it("has the streams of the whole, as they are", async () => {
    const { part } = await fetchPart();
    const context = { dir: attempt };
    const [mine, whole] = await Promise.all(
      [part?.path ?? "", at("front.mp4")].map((path) => probe(tools.ffprobe, path, context)),
    );
    const plain = (of: typeof mine) => of?.streams.map((stream) => ({ ...stream, bitRate: null }));
    expect(plain(mine)).toEqual(plain(whole));
    // From the key frame at 4 s; the sound from a second before that.
    expect(mine?.startSeconds).toBeGreaterThan(2.9);
    expect((mine?.startSeconds ?? 0) + (mine?.durationSeconds ?? 0)).toBeCloseTo(10, 1);
  });

  it("goes on at the byte after a cut", async () => {
    source.twist = (asked, response, nth) => {
      if (nth !== 2) return false;
      source.send(asked, response, 1_000);
      return true;
    };
    const { part } = await fetchPart();
    expect(part).toMatchObject({ retries: 1 });
  });

  /** After the first question. */
  const changed = (_asked: Asked, _response: unknown, nth: number): false => {
    if (nth === 2) source.etag = '"v2"';
    return false;
  };
  it.each<[string, () => Partial<Source>]>([
    ["gives no ranges", () => ({ ranges: false })],
    ["says nothing by which its parts are told apart", () => ({ etag: null })],
    ["has another file after the first question", () => ({ twist: changed })],
    [
      "has another file behind the same condition",
      () => ({
        twist: (asked, response, nth) => {
          delete asked.headers["if-range"];
          return changed(asked, response, nth);
        },
      }),
    ],
    [
      "gives the whole when asked for its first bytes",
      () => ({
        twist: (asked, response) => {
          source.send({ ...asked, range: { start: 0, end: source.content.length } }, response);
          return true;
        },
      }),
    ],
    [
      "refuses what is not the beginning",
      () => ({ twist: (_asked, response, nth) => nth > 1 && Boolean(response.writeHead(403).end()) }),
    ],
    ["has fragments and no list of them", () => ({ content: padded(readFileSync(at("fragmented.mp4")), 8_000_000) })],
    ["has something else", () => ({ content: Buffer.alloc(8_000_000, "<html>") })],
    ["has a small file", () => ({ content: readFileSync(at("front.mp4")) })],
    ["has an index beyond all sense", () => ({ content: withIndexOf(40_000_000) })],
  ])("is left to the fetch of the whole where the server %s", async (_what, other) => {
    Object.assign(source, other());
    expect((await fetchPart()).part).toBeNull();
    nothingLeft();
  });

  it("is left to the fetch of the whole where it is most of it, over the limit, or of another kind", async () => {
    source.content = readFileSync(at("long-front.mp4"));
    expect((await fetchPart({ clip: { start: 100, end: 500 } })).part).toBeNull();
    expect((await fetchPart({ maxBytes: 400_000 })).part).toBeNull();
    const before = source.asked.length;
    expect((await fetchPart({ ext: "mp3" })).part).toBeNull();
    expect(source.asked).toHaveLength(before);
    nothingLeft();
  });

  it("may be within a limit that the whole is over", async () => {
    expect((await fetchPart({ maxBytes: 1_000_000 })).part).toMatchObject({ size: source.sentBytes });
  });

  it("is asked for through the guard alone", async () => {
    await out.close();
    out = wayOut({});
    expect((await fetchPart()).part).toBeNull();
    expect(source.asked).toEqual([]);
    nothingLeft();
  });

  it("is let go of when the job is cancelled, with all of its connections", async () => {
    const stop = new AbortController();
    source.twist = (asked, response, nth) => {
      if (nth === 1) return false;
      source.head(asked, response);
      response.flushHeaders();
      stop.abort();
      return true;
    };
    await expect(fetchPart({ signal: stop.signal })).rejects.toMatchObject({ class: "cancelled" });
    nothingLeft();
  });
});
