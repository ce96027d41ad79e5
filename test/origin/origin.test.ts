import { once } from "node:events";
import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { HELD_AFTER_BYTES } from "./behaviours/pace.ts";
import { LAST_MODIFIED } from "./send.ts";
import { type Origin, startOrigin } from "./server.ts";

let origin: Origin;
/** The whole of the file that the behaviours are tried on. */
let clip: Buffer;

const get = (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) =>
  fetch(`${origin.url}/${path}`, { headers, redirect: "manual", ...init });
/** For the status and headers alone. An unread body would keep its connection busy, and `idle()` waiting. */
async function look(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const response = await get(path, headers);
  await response.body?.cancel();
  return response;
}
const bytes = async (response: Response) => Buffer.from(await response.arrayBuffer());

/** Reads until `wanted` bytes have come, or all. */
async function readSome(reader: ReadableStreamDefaultReader<Uint8Array>, wanted: number): Promise<Buffer> {
  let got = Buffer.alloc(0);
  while (got.length < wanted) {
    const { value, done } = await reader.read();
    if (done) break;
    got = Buffer.concat([got, value]);
  }
  return got;
}

function readerOf(response: Response): ReadableStreamDefaultReader<Uint8Array> {
  if (!response.body) throw new Error("no body");
  return response.body.getReader();
}

/** What arrives of a body before its connection fails. */
async function untilFailure(path: string): Promise<{ got: Buffer; error: Error }> {
  const response = await get(path);
  const reader = readerOf(response);
  let got = Buffer.alloc(0);
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`${path} ended well`);
      got = Buffer.concat([got, value]);
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { got, error };
  }
}

beforeAll(async () => {
  origin = await startOrigin();
  clip = await bytes(await get("video-360.mp4"));
}, 120_000);
afterAll(() => origin.close());

describe("a plain file", () => {
  it("has a type, a length, a tag and a date, and HEAD tells the same as GET", async () => {
    const head = await get("video-360.mp4", {}, { method: "HEAD" });
    expect(head.status).toBe(200);
    expect(Object.fromEntries(head.headers)).toMatchObject({
      "content-type": "video/mp4",
      "content-length": `${clip.length}`,
      "accept-ranges": "bytes",
      "last-modified": LAST_MODIFIED,
    });
    expect(await head.text()).toBe("");
    expect(head.headers.get("etag")).toBe((await look("video-360.mp4")).headers.get("etag"));
  });

  it.each([
    ["bytes=10-19", 10, 20],
    ["bytes=900000-", 900_000, undefined],
    ["bytes=-100", -100, undefined],
    ["bytes=900000-999999999", 900_000, undefined],
  ])("answers %s with that part", async (range, from, to) => {
    const response = await get("video-360.mp4", { range });
    expect(response.status).toBe(206);
    expect(await bytes(response)).toEqual(clip.subarray(from, to));
  });

  it("refuses a range after its end, and ignores one that makes no sense", async () => {
    const after = await look("video-360.mp4", { range: `bytes=${clip.length}-` });
    expect([after.status, after.headers.get("content-range")]).toEqual([416, `bytes */${clip.length}`]);
    expect((await look("video-360.mp4", { range: "bytes=9-3" })).status).toBe(200);
    expect((await look("video-360.mp4", { range: "bytes=0-1,5-6" })).status).toBe(200);
  });

  it("is sent whole if If-Range names another version, and not at all if the client has it", async () => {
    const tag = (await look("video-360.mp4")).headers.get("etag") ?? "";
    expect((await look("video-360.mp4", { range: "bytes=0-9", "if-range": '"old"' })).status).toBe(200);
    expect((await look("video-360.mp4", { range: "bytes=0-9", "if-range": tag })).status).toBe(206);
    expect((await look("video-360.mp4", { "if-none-match": tag })).status).toBe(304);
  });

  it("cannot be outside the folder of media", async () => {
    // fetch would tidy the path up before it is sent.
    const sent = request(`${origin.url}/`, { path: "/slow/9/..%2f..%2f../../../../package.json" }).end();
    const [response] = await once(sent, "response");
    expect(response.statusCode).toBe(404);
    response.resume();
  });
});

describe("behaviours", () => {
  it("slow gives each connection its own share, more than a chunk at a time too", async () => {
    const began = performance.now();
    const whole = async () => (await (await get("slow/2000000/video-720.mp4")).bytes()).length;
    const sizes = await Promise.all([whole(), whole()]);
    const seconds = (performance.now() - began) / 1000;
    expect(sizes[0]).toBe(sizes[1]);
    // The first beat is free.
    expect(seconds).toBeGreaterThan((sizes[0] ?? 0) / 2_000_000 - 0.11);
  });

  it("padded films are as large as asked, whole and in parts", async () => {
    const file = Buffer.from(await (await get("video-360.mp4")).bytes());
    const size = file.length + 3_000_000;
    const whole = Buffer.from(await (await get(`padded/${size}/video-360.mp4`)).bytes());
    expect(whole.length).toBe(size);
    expect(whole.subarray(0, file.length).equals(file)).toBe(true);
    expect(whole.toString("latin1", file.length + 4, file.length + 8)).toBe("free");
    for (const [start, end] of [
      [file.length - 5, file.length + 20],
      [file.length + 3, file.length + 9],
      [file.length + 2_000_000, size - 1],
    ] as const) {
      const part = await get(`padded/${size}/video-360.mp4`, { range: `bytes=${start}-${end}` });
      expect(Buffer.from(await part.bytes()).equals(whole.subarray(start, end + 1))).toBe(true);
    }
  });

  it("slow sends no faster than it says", async () => {
    const begun = performance.now();
    const response = await get("slow/30000/subtitles/en.vtt");
    expect(await response.text()).toContain("WEBVTT");
    const reader = readerOf(await get("slow/30000/video-360.mp4"));
    await readSome(reader, 9_000);
    // 9,000 bytes are three beats of 3,000; the first comes at once.
    expect(performance.now() - begun).toBeGreaterThan(200);
    await reader.cancel();
  });

  it("hold sends 64 KiB, and the rest once its key is released", async () => {
    const reader = readerOf(await get("hold/tests/video-360.mp4"));
    await origin.waitForHeld("tests");
    const first = await readSome(reader, HELD_AFTER_BYTES);
    expect(first).toEqual(clip.subarray(0, HELD_AFTER_BYTES));
    origin.release("tests");
    expect(await readSome(reader, clip.length)).toEqual(clip.subarray(HELD_AFTER_BYTES));
  });

  it("hold can be released over HTTP, lets small files pass, and stays open", async () => {
    expect(await (await get("hold/http/subtitles/en.vtt")).text()).toContain("WEBVTT");
    const held = get("hold/http/video-360.mp4").then(bytes);
    await origin.waitForHeld("http");
    expect((await get("release/http", {}, { method: "POST" })).status).toBe(200);
    expect(await held).toEqual(clip);
    expect(await bytes(await get("hold/http/video-360.mp4"))).toEqual(clip);
  });

  it("stall sends half and leaves it at that until the client goes", async () => {
    const gone = new AbortController();
    const reader = readerOf(await get("stall/video-360.mp4", {}, { signal: gone.signal }));
    const half = Math.floor(clip.length / 2);
    expect(await readSome(reader, half)).toEqual(clip.subarray(0, half));
    expect(origin.inFlight).toBe(1);
    gone.abort();
    await origin.idle();
  });

  it("truncated promises all and sends half", async () => {
    const { got } = await untilFailure("truncated/video-360.mp4");
    expect(got).toEqual(clip.subarray(0, Math.floor(clip.length / 2)));
  });

  it("endless goes on after the file without a word about its length", async () => {
    const response = await get("endless/video-360.mp4");
    expect(response.headers.get("content-length")).toBeNull();
    const reader = readerOf(response);
    const got = await readSome(reader, 3 * clip.length);
    expect(got.subarray(0, clip.length)).toEqual(clip);
    await reader.cancel();
    await origin.idle();
  });

  it("huge says beforehand how much it will be", async () => {
    const response = await get("huge/2000000/video-360.mp4");
    expect(response.headers.get("content-length")).toBe("2000000");
    expect(await bytes(response)).toHaveLength(2_000_000);
  });

  it.each([429, 503])("flaky answers %i as often as asked, for each key by itself", async (code) => {
    const ask = async (key: string) => {
      const response = await get(`flaky/${code}/2/${key}/subtitles/en.vtt`);
      await response.text();
      return [response.status, response.headers.get("retry-after")];
    };
    expect(await ask("a")).toEqual([code, "1"]);
    expect(await ask("a")).toEqual([code, "1"]);
    expect(await ask("b")).toEqual([code, "1"]);
    expect(await ask("a")).toEqual([200, null]);
  });

  it("flaky can spare the first requests", async () => {
    const statuses: number[] = [];
    for (let turn = 0; turn < 4; turn += 1) statuses.push((await look("flaky/503/2-3/c/subtitles/en.vtt")).status);
    expect(statuses).toEqual([200, 503, 503, 200]);
  });

  it("flaky resets the connection half way, and then serves the rest", async () => {
    const { error } = await untilFailure("flaky/reset/1/d/video-360.mp4");
    expect(error.cause).toMatchObject({ code: "ECONNRESET" });
    expect(await bytes(await get("flaky/reset/1/d/video-360.mp4"))).toEqual(clip);
  });

  it.each([401, 404, 451, 500])("status is always %i", async (code) => {
    expect((await look(`status/${code}/video-360.mp4`)).status).toBe(code);
  });

  it.each([403, 404, 410])("private is a page with status %i", async (code) => {
    const response = await look(`private/${code}`);
    expect([response.status, response.headers.get("content-type")]).toEqual([code, "text/html; charset=utf-8"]);
  });

  it("cookie wants the session, header wants a referrer", async () => {
    expect((await look("cookie/video-360.mp4")).status).toBe(403);
    expect((await look("cookie/video-360.mp4", { cookie: "a=b; session=open" })).status).toBe(200);
    expect((await look("header/video-360.mp4")).status).toBe(403);
    expect((await look("header/video-360.mp4", { referer: "http://example.com/" })).status).toBe(200);
  });

  it("norange sends the whole, whatever is asked", async () => {
    const response = await get("norange/video-360.mp4", { range: "bytes=10-19" });
    expect([response.status, response.headers.get("accept-ranges")]).toEqual([200, null]);
    expect(await bytes(response)).toEqual(clip);
  });

  it.each([
    ["redirect/307/feed.xml?items=1", 307, "/feed.xml?items=1"],
    ["redirect-to?url=http://127.0.0.1:1/", 302, "http://127.0.0.1:1/"],
    ["redirect-to?url=http://169.254.169.254/&code=301", 301, "http://169.254.169.254/"],
    ["redirect-chain/3/audio.mp3", 302, "/redirect-chain/2/audio.mp3"],
    ["redirect-chain/1/audio.mp3", 302, "/audio.mp3"],
    ["redirect-loop", 302, "/redirect-loop?hop=1"],
  ])("%s answers %i", async (path, status, location) => {
    const response = await look(path);
    expect([response.status, response.headers.get("location")]).toEqual([status, location]);
  });

  it("live grows at each look and ends", async () => {
    const playlist = async () => (await get("live/4/e/index.m3u8")).text();
    const first = await playlist();
    expect(first.match(/\.ts/g)).toHaveLength(3);
    expect(first).not.toContain("ENDLIST");
    const second = await playlist();
    expect(second.match(/\.ts/g)).toHaveLength(4);
    expect(second).toContain("ENDLIST");
    expect((await look("broadcast/003.ts")).headers.get("content-type")).toBe("video/mp2t");
  });
});
