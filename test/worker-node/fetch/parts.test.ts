import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readHead } from "../../../worker-node/fetch/answer.ts";
import { type CookieJar, parseCookieFile, parseScopedCookies } from "../../../worker-node/fetch/cookies.ts";
import { HostSlots } from "../../../worker-node/fetch/hosts.ts";
import { RangeQueue } from "../../../worker-node/fetch/ranges.ts";
import { sourceHeaders } from "../../../worker-node/fetch/send.ts";

describe("RangeQueue", () => {
  it("hands out every byte once, front to back, in pieces within the bound", () => {
    const sizes = fc.integer({ min: 0, max: 5_000_000_000 });
    const bound = fc.option(fc.integer({ min: 65_536, max: 300_000_000 }));
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 1, max: 8 }), bound, (a, b, connections, maxRangeBytes) => {
        const [from, total] = [Math.min(a, b), Math.max(a, b)];
        // A bound that small makes tens of thousands of pieces of a large file.
        fc.pre(maxRangeBytes === null || (total - from) / maxRangeBytes < 2_000);
        const queue = new RangeQueue({ ranges: [{ start: from, end: total }], connections, maxRangeBytes });
        let at = from;
        for (let range = queue.take(); range !== null; range = queue.take()) {
          expect(range.start).toBe(at);
          expect(range.end - range.start).toBeGreaterThan(0);
          expect(range.end - range.start).toBeLessThanOrEqual(maxRangeBytes ?? Number.POSITIVE_INFINITY);
          at = range.end;
        }
        expect(at).toBe(total);
      }),
    );
  });

  it("hands out every byte of several ranges once, in order, and none between them", () => {
    const lengths = fc.array(fc.tuple(fc.integer({ min: 0, max: 9_000_000 }), fc.integer({ min: 1, max: 9_000_000 })), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 8 }), (parts, connections) => {
        const ranges: { start: number; end: number }[] = [];
        for (const [gap, length] of parts) {
          const start = (ranges.at(-1)?.end ?? 0) + gap;
          ranges.push({ start, end: start + length });
        }
        const queue = new RangeQueue({ ranges, connections, maxRangeBytes: null });
        const taken = [];
        for (let range = queue.take(); range !== null; range = queue.take()) taken.push(range);
        const joined: { start: number; end: number }[] = [];
        for (const piece of taken) {
          const last = joined.at(-1);
          if (last?.end === piece.start && !ranges.some(({ start }) => start === piece.start)) last.end = piece.end;
          else joined.push({ ...piece });
        }
        expect(joined).toEqual(ranges);
      }),
    );
  });
});

describe("HostSlots", () => {
  it("lets go on in the order of asking, and forgets who gave up waiting", async () => {
    const slots = new HostSlots(1);
    const never = new AbortController().signal;
    const log: string[] = [];
    const first = await slots.take("a", never);
    const tired = new AbortController();
    const second = slots.take("a", tired.signal).catch(() => log.push("gave up"));
    const third = slots.take("a", never).then((back) => {
      log.push("third");
      back();
    });
    (await slots.take("b", never))();
    tired.abort(new Error("tired"));
    await second;
    first();
    first();
    await third;
    expect(log).toEqual(["gave up", "third"]);
    (await slots.take("a", never))();
  });

  it("loses no slot when the turn and the abort come together", async () => {
    const slots = new HostSlots(1);
    const back = await slots.take("a", new AbortController().signal);
    const both = new AbortController();
    const waiting = slots.take("a", both.signal).catch(() => null);
    back();
    both.abort(new Error("too late"));
    (await waiting)?.();
    (await slots.take("a", new AbortController().signal))();
  });
});

describe("the head of an answer", () => {
  it.each([
    ["bytes 0-9/100", { start: 0, end: 9, total: 100 }],
    ["bytes 0-9/*", { start: 0, end: 9, total: null }],
    ["bytes 9-0/100", null],
    ["bytes 0-100/100", null],
    ["bytes */100", null],
    ["items 0-9/100", null],
    ["bytes 0-99999999999999999999/*", null],
  ])("with Content-Range %s promises %j", (text, range) => {
    expect(readHead(206, { "content-range": text }, 0).range).toEqual(range);
  });

  it.each([
    ["5", 5_000],
    ["Thu, 01 Jan 1970 00:00:09 GMT", 4_000],
    ["Thu, 01 Jan 1970 00:00:01 GMT", 0],
    ["-3", null],
    ["soon", null],
  ])("with Retry-After %s asks for %s ms", (text, wait) => {
    expect(readHead(503, { "retry-after": text }, 5_000).retryAfterMs).toBe(wait);
  });
});

describe("cookies", () => {
  const at = (jar: CookieJar, url: string) => jar.headerFor(new URL(url), 1_000);

  it("of a Netscape file go to their domain, path and scheme, and no further", () => {
    const jar = parseCookieFile(
      [
        "# Netscape HTTP Cookie File",
        ".example.com\tTRUE\t/\tFALSE\t0\tall\t1",
        "www.example.com\tFALSE\t/\tFALSE\t0\twww\t2",
        "#HttpOnly_.example.com\tTRUE\t/deep\tTRUE\t2000\tdeep\t3",
        ".example.com\tTRUE\t/\tFALSE\t999\told\t4",
        "broken line",
      ].join("\r\n"),
    );
    expect(at(jar, "http://example.com/")).toBe("all=1");
    expect(at(jar, "http://www.example.com/deep")).toBe("all=1; www=2");
    expect(at(jar, "https://cdn.example.com/deep/x")).toBe("deep=3; all=1");
    expect(at(jar, "https://cdn.example.com/deeper")).toBe("all=1");
    for (const other of ["badexample.com", "example.com.evil.net", "com", "127.0.0.1"])
      expect(at(jar, `http://${other}/`)).toBeNull();
  });

  it("of a format are read as yt-dlp writes them", () => {
    const jar = parseScopedCookies(
      'sid="a\\054b; c"; Domain=.example.com; Path=/; Secure; Expires=5000; path=x; Domain=example.com; Path=/v; stray=1',
    );
    expect(at(jar, "http://example.com/v/1")).toBeNull();
    expect(at(jar, "https://a.example.com/v/1")).toBeNull();
    expect(
      at(
        parseScopedCookies('a="1\\0542"; Domain=.example.com; Path=/; Secure; b=2; Domain=x.com'),
        "https://w.example.com/",
      ),
    ).toBe("a=1,2");
    expect(at(parseScopedCookies("a=1; Path=/"), "https://example.com/")).toBeNull();
    expect(at(parseScopedCookies(null), "https://example.com/")).toBeNull();
  });

  it("that could end their header are left out", () => {
    const jar = parseCookieFile(
      "e.com\tFALSE\t/\tFALSE\t0\ta\tx\u0001y\ne.com\tFALSE\t/\tFALSE\t0\tb;c\t1\ne.com\tFALSE\t/\tFALSE\t0\td\t€",
    );
    expect(at(jar, "http://e.com/")).toBeNull();
  });

  it("of the file and of the format come together", () => {
    const jar = parseCookieFile("e.com\tFALSE\t/\tFALSE\t0\ta\told").with(
      parseScopedCookies("a=new; Domain=e.com; Path=/"),
    );
    expect(at(jar, "http://e.com/")).toBe("a=new");
  });
});

describe("the headers of a source", () => {
  it("are sent but for those of the connection, of ranges, and what is no header", () => {
    const given = {
      "User-Agent": "x",
      Host: "evil",
      Range: "bytes=1-",
      "If-Match": "y",
      Cookie: "a=1",
      "A B": "1",
      "X-A": "1\r\n2",
    };
    expect(sourceHeaders({ ...given, "Proxy-Authorization": "z", "X-Ok": "ö" })).toEqual({
      "user-agent": "x",
      "x-ok": "ö",
    });
  });
});
