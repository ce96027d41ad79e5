import { existsSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MIB } from "../../../shared/limits.ts";
import { CookieJar, parseCookieFile } from "../../../worker-node/fetch/cookies.ts";
import { type FetchRequest, type FetchTuning, fetchFile } from "../../../worker-node/fetch/fetch-file.ts";
import { HostSlots } from "../../../worker-node/fetch/hosts.ts";
import { MAX_FAILURES_IN_A_ROW, MAX_STARTS } from "../../../worker-node/fetch/limits.ts";
import type { DownloadProgress } from "../../../worker-node/media/ytdlp/port.ts";
import { testDir } from "../../leaks.ts";
import { noise, Source, wayOut } from "./source.ts";

const LARGE = noise(18 * MIB + 12_345);
const SMALL = noise(300_000);
let source: Source;
let out: ReturnType<typeof wayOut>;
let path: string;
beforeEach(async () => {
  source = await new Source(SMALL).start();
  out = wayOut();
  path = join(await testDir("fetch"), "file");
});
afterEach(async () => {
  await out.close();
  await source.close();
});

const get = (more: Partial<FetchRequest> = {}, tuning: FetchTuning = {}) =>
  fetchFile(
    out.way,
    {
      url: source.url,
      headers: {},
      cookies: new CookieJar(),
      path,
      maxBytes: null,
      maxRangeBytes: null,
      onProgress: () => {},
      signal: new AbortController().signal,
      ...more,
    },
    { backoffMs: () => 0, ...tuning },
  );
const intact = (content = source.content) => readFileSync(path).equals(content);
const isRange = (nth: number) => nth > 1;

describe("a server that gives ranges", () => {
  it("is asked for four at once, and the file is put together at their offsets", async () => {
    source.content = LARGE;
    // Nothing is answered until four questions are waiting, the first one apart: were they asked in turn, this would hang.
    const four = Promise.withResolvers<void>();
    source.twist = async (_asked, _response, nth) => {
      if (nth === 5) four.resolve();
      if (isRange(nth)) await four.promise;
      return false;
    };
    const progress: DownloadProgress[] = [];
    const fetched = await get({ onProgress: (now) => progress.push(now) });
    expect(fetched).toEqual({ size: LARGE.length, retries: 0, connections: 4 });
    expect(intact()).toBe(true);
    expect(source.mostRunning).toBe(4);
    expect(source.sentBytes).toBe(LARGE.length);
    expect(source.asked.slice(1).every(({ headers }) => headers["if-range"] === '"v1"')).toBe(true);
    expect(progress.at(-1)).toMatchObject({
      bytes: LARGE.length,
      totalBytes: LARGE.length,
      fraction: 1,
      etaSeconds: 0,
    });
  });

  it("is asked once for what is small", async () => {
    expect(await get()).toEqual({ size: SMALL.length, retries: 0, connections: 1 });
    expect(source.asked).toHaveLength(1);
    expect(intact()).toBe(true);
  });

  it("is asked for no more at a time than it gives without slowing down", async () => {
    source.content = LARGE;
    await get({ maxRangeBytes: MIB });
    expect(Math.max(...source.asked.map(({ range }) => (range ? range.end - range.start : 0)))).toBe(MIB);
    expect(intact()).toBe(true);
  });

  it("may give less than it was asked for", async () => {
    source.content = LARGE;
    source.twist = (asked, response, nth) => {
      if (!isRange(nth) || asked.range === null) return false;
      const { start, end } = asked.range;
      source.send({ ...asked, range: { start, end: Math.min(end, start + 700_000) } }, response);
      return true;
    };
    await get();
    expect(intact()).toBe(true);
  });

  it("is trusted by the date of the last change where it has no ETag, and by a strong one only", async () => {
    source.content = LARGE;
    source.etag = 'W/"weak"';
    source.lastModified = "Mon, 15 Jan 2024 12:00:00 GMT";
    await get();
    expect(source.asked.at(-1)?.headers["if-range"]).toBe(source.lastModified);
    expect(intact()).toBe(true);
  });

  it("is asked for the whole by one connection when nothing tells its parts apart", async () => {
    source.content = LARGE;
    source.etag = 'W/"weak"';
    expect(await get()).toMatchObject({ connections: 1 });
    expect(source.asked.map(({ headers }) => headers.range !== undefined)).toEqual([true, false]);
    expect(intact()).toBe(true);
  });

  it("hears a resumed question for the missing bytes alone after a cut", async () => {
    source.content = LARGE;
    const cuts = new Map<number, number>();
    source.twist = (asked, response, nth) => {
      if (nth !== 1 && nth !== 3) return false;
      cuts.set(nth, asked.range?.start ?? 0);
      source.send(asked, response, 500_000);
      return true;
    };
    const { retries } = await get();
    expect(retries).toBe(2);
    expect(intact()).toBe(true);
    // What was on the way at the moment of the cut may be lost, nothing else comes twice.
    expect(source.sentBytes).toBeLessThan(LARGE.length + MIB);
    expect(source.asked[1]?.range?.start).toBeGreaterThan(0);
  });

  it("delivers every file whole, wherever its connections are cut", async () => {
    source.content = LARGE;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 * MIB }), { maxLength: 4 }), async (cuts) => {
        const left = [...cuts];
        source.twist = (asked, response) => {
          const limit = left.pop();
          if (limit === undefined) return false;
          source.send(asked, response, limit);
          return true;
        };
        const target = `${path}-${Math.random()}`;
        await get({ path: target });
        expect(readFileSync(target).equals(LARGE)).toBe(true);
      }),
      { numRuns: 8 },
    );
  });
});

describe("a file that changes while it is fetched", () => {
  it("is begun again, and no old byte is left in it", async () => {
    source.content = LARGE;
    const newer = noise(LARGE.length - 4_321, "b");
    source.twist = (_asked, _response, nth) => {
      if (nth === 4) {
        source.content = newer;
        source.etag = '"v2"';
      }
      return false;
    };
    const { size } = await get();
    expect(size).toBe(newer.length);
    expect(intact(newer)).toBe(true);
  });

  it("is begun again too when the server ignores the condition and only the ETag tells", async () => {
    source.content = LARGE;
    source.twist = (asked, _response, nth) => {
      if (nth === 4) {
        source.content = noise(LARGE.length, "b");
        source.etag = '"v2"';
      }
      delete asked.headers["if-range"];
      return false;
    };
    await get();
    expect(intact()).toBe(true);
  });

  it("again and again is fetched in one piece at last", async () => {
    source.content = LARGE;
    source.twist = (_asked, _response, nth) => {
      source.etag = `"v${nth}"`;
      return false;
    };
    await get();
    expect(source.asked.at(-1)?.headers.range).toBeUndefined();
    expect(intact()).toBe(true);
  });
});

describe("a server without ranges", () => {
  it("is asked once", async () => {
    source.content = LARGE;
    source.ranges = false;
    expect(await get()).toMatchObject({ size: LARGE.length, connections: 1 });
    expect(source.asked).toHaveLength(1);
    expect(intact()).toBe(true);
  });

  it("is asked for the whole again after a cut", async () => {
    source.ranges = false;
    source.twist = (asked, response, nth) => {
      if (nth > 1) return false;
      source.send(asked, response, 100_000);
      return true;
    };
    expect(await get()).toMatchObject({ retries: expect.any(Number) });
    expect(intact()).toBe(true);
  });

  it("may say no length", async () => {
    source.twist = (_asked, response) => {
      response.writeHead(200);
      response.write(SMALL.subarray(0, 1_000));
      response.end(SMALL.subarray(1_000));
      return true;
    };
    expect(await get()).toMatchObject({ size: SMALL.length });
    expect(intact()).toBe(true);
  });

  it("may answer 206 with parts that make no sense", async () => {
    source.content = LARGE;
    source.twist = (asked, response, nth) => {
      if (!isRange(nth) || asked.range === null) return false;
      const { start, end } = asked.range;
      const body = LARGE.subarray(start + 5, end);
      const claim = `bytes ${start + 5}-${end - 1}/${LARGE.length}`;
      response.writeHead(206, { etag: '"v1"', "content-range": claim, "content-length": body.length });
      response.end(body);
      return true;
    };
    await get();
    expect(source.asked.at(-1)?.headers.range).toBeUndefined();
    expect(intact()).toBe(true);
  });
});

describe("a fetch gives up", () => {
  const gone = () => expect(existsSync(path)).toBe(false);

  it("on a body that always ends before its length", async () => {
    source.twist = (asked, response) => {
      source.send(asked, response, asked.range === null ? 1_000 : 0);
      return true;
    };
    await expect(get()).rejects.toMatchObject({ reason: "network" });
    expect(source.asked.length).toBeLessThanOrEqual(MAX_FAILURES_IN_A_ROW * MAX_STARTS);
    gone();
  });

  it("on a status that will not change, at once", async () => {
    source.twist = (_asked, response) => Boolean(response.writeHead(404).end());
    await expect(get()).rejects.toMatchObject({ reason: "status", status: 404 });
    expect(source.asked).toHaveLength(1);
    gone();
  });

  it("on a status that may pass, after some tries", async () => {
    source.twist = (_asked, response) => Boolean(response.writeHead(503).end());
    await expect(get()).rejects.toMatchObject({ reason: "status", status: 503 });
    expect(source.asked).toHaveLength(MAX_FAILURES_IN_A_ROW);
  });

  it("at once when it should wait longer than is worth it, and says how long", async () => {
    source.twist = (_asked, response) => Boolean(response.writeHead(429, { "retry-after": "120" }).end());
    await expect(get()).rejects.toMatchObject({ reason: "status", status: 429, retryAfterMs: 120_000 });
    expect(source.asked).toHaveLength(1);
  });

  it("on a compressed body, which nobody asked for", async () => {
    source.twist = (asked, response) => {
      expect(asked.headers["accept-encoding"]).toBe("identity");
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(SMALL));
      return true;
    };
    await expect(get()).rejects.toMatchObject({ reason: "unsuitable" });
    gone();
  });

  it("on a length over the limit, before the body", async () => {
    source.content = LARGE;
    await expect(get({ maxBytes: LARGE.length - 1 })).rejects.toMatchObject({ reason: "too-large" });
    expect(source.asked).toHaveLength(1);
    gone();
  });

  it("on an endless body, at the limit", async () => {
    const closed = Promise.withResolvers<void>();
    source.twist = (_asked, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(SMALL));
      };
      response.on("drain", more);
      response.once("close", () => closed.resolve());
      more();
      return true;
    };
    await expect(get({ maxBytes: 3 * MIB })).rejects.toMatchObject({ reason: "too-large" });
    await closed.promise;
    gone();
  });

  it("where there is no room, before the first byte", async () => {
    const asked: (number | null)[] = [];
    const ensureRoom = async (bytes: number | null) => {
      asked.push(bytes);
      throw new Error("no room");
    };
    await expect(get({ ensureRoom })).rejects.toThrow("no room");
    expect(asked).toEqual([SMALL.length]);
    gone();
  });

  it("when it is told to, with all of its connections", async () => {
    source.content = LARGE;
    const stop = new AbortController();
    source.twist = (asked, response, nth) => {
      if (!isRange(nth)) return false;
      source.head(asked, response);
      response.flushHeaders();
      if (nth === 5) stop.abort(new Error("enough"));
      return true;
    };
    await expect(get({ signal: stop.signal })).rejects.toThrow("enough");
    gone();
  });

  it("rather than write through a link that lies in its place", async () => {
    const victim = `${path}.victim`;
    writeFileSync(victim, "precious");
    symlinkSync(victim, path);
    await expect(get()).rejects.toMatchObject({ code: "EEXIST" });
    expect(readFileSync(victim, "utf8")).toBe("precious");
  });
});

describe("a fetch goes on", () => {
  it("after a silence, at the byte", async () => {
    source.twist = (asked, response, nth) => {
      if (nth > 1) return false;
      const body = source.head(asked, response);
      response.write(body.subarray(0, 100_000));
      return true;
    };
    expect(await get({}, { stallMs: 150 })).toMatchObject({ retries: 1 });
    expect(source.asked[1]?.range?.start).toBe(100_000);
    expect(intact()).toBe(true);
  });

  it("no sooner than Retry-After says", async () => {
    const times: number[] = [];
    source.twist = (_asked, response, nth) => {
      times.push(performance.now());
      return nth === 1 && Boolean(response.writeHead(503, { "retry-after": "1" }).end());
    };
    await get();
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(995);
    expect(intact()).toBe(true);
  });

  it("at the first address when that behind its redirect is used up", async () => {
    source.content = LARGE;
    let ticket = 0;
    const used = new Set<string>();
    source.twist = (asked, response) => {
      if (asked.path === "/file") return Boolean(response.writeHead(302, { location: `/ticket/${++ticket}` }).end());
      if (used.has(asked.path)) return Boolean(response.writeHead(403).end());
      if (asked.path === "/ticket/1") used.add(asked.path);
      return false;
    };
    await get();
    expect(ticket).toBeGreaterThan(1);
    expect(intact()).toBe(true);
  });
});

describe("a redirect", () => {
  let other: Source;
  beforeEach(async () => {
    other = await new Source(SMALL).start();
  });
  afterEach(() => other.close());
  const headers = {
    "User-Agent": "x",
    Referer: "http://page/",
    Authorization: "Bearer t",
    "X-Token": "t",
    Cookie: "c=1",
  };

  it("to another origin takes no credential along", async () => {
    source.twist = (_asked, response) => Boolean(response.writeHead(302, { location: other.url }).end());
    const cookies = parseCookieFile("127.0.0.1\tFALSE\t/only-here\tFALSE\t0\tsession\topen");
    await get({ headers, cookies });
    expect(source.asked[0]?.headers).toMatchObject({ authorization: "Bearer t", "x-token": "t" });
    const seen = other.asked[0]?.headers ?? {};
    expect(seen).toMatchObject({ "user-agent": "x", referer: "http://page/" });
    for (const name of ["authorization", "x-token", "cookie"]) expect(seen).not.toHaveProperty(name);
    expect(intact(other.content)).toBe(true);
  });

  it("within an origin takes them along, and cookies go where their domain and path say", async () => {
    source.twist = (asked, response) =>
      asked.path === "/file" && Boolean(response.writeHead(307, { location: "/deep/file" }).end());
    const cookies = parseCookieFile("127.0.0.1\tFALSE\t/deep\tFALSE\t0\tsession\topen");
    await get({ headers, cookies });
    expect(source.asked[0]?.headers.cookie).toBeUndefined();
    expect(source.asked[1]?.headers).toMatchObject({ "x-token": "t", cookie: "session=open" });
  });

  it.each(["file:///etc/passwd", "ftp://example.com/x", "data:text/plain,x", "gopher://127.0.0.1/"])(
    "to %s is refused",
    async (location) => {
      source.twist = (_asked, response) => Boolean(response.writeHead(302, { location }).end());
      await expect(get()).rejects.toMatchObject({ reason: "refused" });
    },
  );

  it("to a private address is refused, and nobody is asked there", async () => {
    const guarded = wayOut({ allowHosts: [`127.0.0.1:${source.port}`] });
    source.twist = (_asked, response) => Boolean(response.writeHead(302, { location: other.url }).end());
    const fetching = fetchFile(
      guarded.way,
      {
        url: source.url,
        headers: {},
        cookies: new CookieJar(),
        path,
        maxBytes: null,
        maxRangeBytes: null,
        onProgress: () => {},
        signal: new AbortController().signal,
      },
      {},
    );
    await expect(fetching).rejects.toMatchObject({ reason: "refused" });
    await guarded.close();
    expect(other.asked).toEqual([]);
  });

  it("without end is left to another downloader", async () => {
    source.twist = (asked, response) => Boolean(response.writeHead(302, { location: `${asked.path}x` }).end());
    await expect(get()).rejects.toMatchObject({ reason: "unsuitable" });
  });
});

describe("the connections to one host", () => {
  it("are limited for all files of the node together", async () => {
    await out.close();
    out = wayOut({ allowPrivate: true }, new HostSlots(3));
    source.content = LARGE;
    const three = Promise.withResolvers<void>();
    source.twist = async () => {
      if (source.running === 3) three.resolve();
      await three.promise;
      // Long enough for a question too many to come in.
      await nextTurn();
      return false;
    };
    await Promise.all([get(), get({ path: `${path}-2` }), get({ path: `${path}-3` })]);
    expect(source.mostRunning).toBe(3);
    for (const one of [path, `${path}-2`, `${path}-3`]) expect(readFileSync(one).equals(LARGE)).toBe(true);
  });
});
