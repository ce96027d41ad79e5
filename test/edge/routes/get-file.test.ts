/** File URLs of managed storage (jobs API 11.2; RFC 9110 sections 13 and 14). */
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { Signer } from "../../../edge/auth/signing.ts";
import { signFileUrl } from "../../../edge/routes/files/file-url.ts";
import { flipped } from "../../flipped.ts";
import { type Account, call, type Json, newAccount, ORIGIN, store, textOf } from "../support.ts";

const BYTES = "0123456789";
const HOUR = 3_600_000;
/** A moment past a second, of which `Last-Modified` tells nothing. */
const CREATED_AT = 1_796_119_209_500;
const MODIFIED = "Tue, 01 Dec 2026 10:00:09 GMT";
let account: Account;
let etag: string;
let path: string;

interface Row {
  fileId: string;
  key: string;
  storeKey: string;
}

/** Puts an object into the store and its row into D1, as a finished job leaves them. */
async function newFile(owner: Account, key: string, contentType = "video/mp4"): Promise<Row & { etag: string }> {
  const storeKey = `@${owner.id}/${key}`;
  const put = await store<{ etag: string }>("PUT", `object?key=${encodeURIComponent(storeKey)}`, BYTES);
  const fileId = crypto.randomUUID();
  await env.DB.prepare(
    `INSERT INTO files (file_id, job_id, account_id, kind, path, store_key, target_id, size, content_type, etag, created_at)
     VALUES (?, ?, ?, 'media', ?, ?, 'managed', ?, ?, ?, ${CREATED_AT})`,
  )
    .bind(fileId, crypto.randomUUID(), owner.id, key, storeKey, BYTES.length, contentType, put.etag)
    .run();
  return { fileId, key, storeKey, etag: put.etag };
}

async function signed(file: Row, changes: { account?: string; at?: number; secret?: string } = {}): Promise<string> {
  const signer = new Signer(changes.secret ?? env.TRAWL_SECRET);
  const link = { fileId: file.fileId, account: changes.account ?? account.id, key: file.key };
  const url = await signFileUrl(signer, ORIGIN, link, changes.at ?? Date.now());
  return url.slice(ORIGIN.length);
}

const get = (headers: Record<string, string> = {}, method = "GET") => call(path, { method, headers });

beforeAll(async () => {
  account = await newAccount();
  const file = await newFile(account, "videos/talks/A talk.mp4");
  etag = file.etag;
  path = await signed(file);
});

describe("a file URL", () => {
  it("needs no key and answers the whole file with its headers", async () => {
    const answer = await get();
    expect(answer.status).toBe(200);
    expect(await textOf(answer)).toBe(BYTES);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "video/mp4",
      "content-length": "10",
      "accept-ranges": "bytes",
      "content-disposition": `inline; filename="A talk.mp4"; filename*=UTF-8''A%20talk.mp4`,
      "x-content-type-options": "nosniff",
      "last-modified": "Tue, 01 Dec 2026 10:00:09 GMT",
      "access-control-allow-origin": "*",
      etag,
    });
    expect(etag).toMatch(/^"[^"]+"$/);
  });

  it("answers HEAD with the same headers and no body, Range or not", async () => {
    for (const headers of [{}, { range: "bytes=0-1" }]) {
      const answer = await get(headers, "HEAD");
      expect(answer.status).toBe(200);
      expect(answer.headers.get("content-length")).toBe("10");
      expect(answer.headers.has("content-range")).toBe(false);
      expect(await textOf(answer)).toBe("");
    }
  });

  it("spells any name, and keeps quotes and line breaks out of its header", async () => {
    const file = await newFile(account, 'videos/Ünï (2) %2F "x".mp4');
    const answer = await call(await signed(file));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-disposition")).toBe(
      `inline; filename="_n_ (2) _2F _x_.mp4"; filename*=UTF-8''%C3%9Cn%C3%AF%20%282%29%20%252F%20%22x%22.mp4`,
    );
  });

  it("lives 24 hours and not longer", async () => {
    const file = await newFile(account, "videos/b.mp4");
    expect((await call(await signed(file, { at: Date.now() - 24 * HOUR + 60_000 }))).status).toBe(200);
    expect((await call(await signed(file, { at: Date.now() - 24 * HOUR - 2_000 }))).status).toBe(403);
  });
});

describe("Link is invalid or has expired", () => {
  const cases: [string, (url: URL) => void][] = [
    ["another signature", (url) => url.searchParams.set("signature", "AAAA")],
    ["no signature", (url) => url.searchParams.delete("signature")],
    ["a later expiry", (url) => url.searchParams.set("expires", "9999999999")],
    ["no expiry", (url) => url.searchParams.delete("expires")],
    [
      "another name",
      (url) => {
        url.pathname = url.pathname.replace("talk.mp4", "walk.mp4");
      },
    ],
    [
      "a path that climbs",
      (url) => {
        url.pathname = url.pathname.replace("videos", "videos%2F..%2Fvideos");
      },
    ],
    [
      "bad percent signs",
      (url) => {
        url.pathname += "%ZZ";
      },
    ],
    [
      "other ids",
      (url) => {
        const [, , ids = ""] = url.pathname.split("/");
        url.pathname = url.pathname.replace(ids, flipped(ids));
      },
    ],
    [
      "ids that are none",
      (url) => {
        url.pathname = "/f/x/videos/talks/A%20talk.mp4";
      },
    ],
  ];
  it.each(cases)("for %s", async (_, change) => {
    const url = new URL(ORIGIN + path);
    change(url);
    const answer = await call(url.pathname + url.search);
    expect(answer.status).toBe(403);
    expect(await answer.json()).toEqual({ error: "Link is invalid or has expired" });
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("for a signature of another server, of another account, for a deleted file and a deleted account", async () => {
    const other = await newAccount();
    const file = await newFile(other, "videos/c.mp4");
    const own = { account: other.id };
    expect((await call(await signed(file, own))).status).toBe(200);
    expect((await call(await signed(file, { ...own, secret: "another" }))).status).toBe(403);
    expect((await call(await signed(file, { account: account.id }))).status).toBe(403);
    await env.DB.prepare("UPDATE files SET deleted_at = 1 WHERE file_id = ?").bind(file.fileId).run();
    expect((await call(await signed(file, own))).status).toBe(403);
    const second = await newFile(other, "videos/d.mp4");
    await env.DB.prepare("UPDATE accounts SET state = 'deleting' WHERE id = ?").bind(other.id).run();
    expect((await call(await signed(second, own))).status).toBe(403);
  });

  it("but one signed by the older of two secrets holds", async () => {
    const file = await newFile(account, "videos/e.mp4");
    const url = await signFileUrl(new Signer("new"), ORIGIN, { ...file, account: account.id }, Date.now());
    const both = new Signer("newest,new");
    const signature = new URL(url).searchParams;
    const text = [file.fileId, account.id, file.key, signature.get("expires")].join("\n");
    expect(await both.verify("file-url", text, signature.get("signature") ?? "")).toBe(true);
    expect(await both.verify("nonce", text, signature.get("signature") ?? "")).toBe(false);
  });
});

it("a file that was changed or removed behind our back is not served as ours", async () => {
  const file = await newFile(account, "videos/f.mp4");
  const url = await signed(file);
  await store("PUT", `object?key=${encodeURIComponent(file.storeKey)}`, "other bytes");
  expect((await call(url)).status).toBe(404);
});

/** RFC 9110 sections 13.1 and 14: request headers → status, body, Content-Range. `E` stands for the file's own tag. */
const RANGES: [rule: string, headers: Record<string, string>, status: number, body: string, range?: string][] = [
  ["one range", { range: "bytes=2-4" }, 206, "234", "bytes 2-4/10"],
  ["the first byte", { range: "bytes=0-0" }, 206, "0", "bytes 0-0/10"],
  ["the last byte", { range: "bytes=9-9" }, 206, "9", "bytes 9-9/10"],
  ["all of it", { range: "bytes=0-9" }, 206, BYTES, "bytes 0-9/10"],
  ["an open end", { range: "bytes=7-" }, 206, "789", "bytes 7-9/10"],
  ["a suffix", { range: "bytes=-3" }, 206, "789", "bytes 7-9/10"],
  ["a suffix longer than the file", { range: "bytes=-99" }, 206, BYTES, "bytes 0-9/10"],
  ["an end beyond the file", { range: "bytes=8-99" }, 206, "89", "bytes 8-9/10"],
  ["an end beyond all numbers", { range: `bytes=8-${"9".repeat(30)}` }, 206, "89", "bytes 8-9/10"],
  ["the unit in capitals", { range: "Bytes=0-1" }, 206, "01", "bytes 0-1/10"],
  ["a start at the end", { range: "bytes=10-" }, 416, "", "bytes */10"],
  ["a start beyond the end", { range: "bytes=50-60" }, 416, "", "bytes */10"],
  ["a start beyond all numbers", { range: `bytes=${"9".repeat(30)}-` }, 416, "", "bytes */10"],
  ["a suffix of nothing", { range: "bytes=-0" }, 416, "", "bytes */10"],
  ["several ranges: the whole file", { range: "bytes=0-1,4-5" }, 200, BYTES],
  ["last before first: ignored", { range: "bytes=5-2" }, 200, BYTES],
  ["another unit: ignored", { range: "lines=0-1" }, 200, BYTES],
  ["no numbers: ignored", { range: "bytes=-" }, 200, BYTES],
  ["nonsense: ignored", { range: "bytes=a-b" }, 200, BYTES],
  ["a negative start: ignored", { range: "bytes=--5" }, 200, BYTES],
  ["If-Range with our tag", { range: "bytes=0-1", "if-range": "E" }, 206, "01", "bytes 0-1/10"],
  ["If-Range with another tag", { range: "bytes=0-1", "if-range": '"x"' }, 200, BYTES],
  ["If-Range with a weak tag never matches", { range: "bytes=0-1", "if-range": "W/E" }, 200, BYTES],
  ["If-Range with another tag saves from 416", { range: "bytes=50-", "if-range": '"x"' }, 200, BYTES],
  ["If-Range with our date", { range: "bytes=0-1", "if-range": MODIFIED }, 206, "01", "bytes 0-1/10"],
  ["If-Range with another date", { range: "bytes=0-1", "if-range": "Tue, 01 Dec 2026 10:00:10 GMT" }, 200, BYTES],
  ["If-None-Match with our tag", { "if-none-match": "E" }, 304, ""],
  ["If-None-Match compares weakly", { "if-none-match": "W/E" }, 304, ""],
  ["If-None-Match with a list", { "if-none-match": '"x", E' }, 304, ""],
  ["If-None-Match with *", { "if-none-match": "*" }, 304, ""],
  ["If-None-Match with another tag", { "if-none-match": '"x"' }, 200, BYTES],
  ["If-None-Match goes before Range", { "if-none-match": "E", range: "bytes=0-1" }, 304, ""],
  ["If-Match with our tag", { "if-match": "E" }, 200, BYTES],
  ["If-Match with *", { "if-match": "*" }, 200, BYTES],
  ["If-Match with another tag", { "if-match": '"x"' }, 412, ""],
  ["If-Match compares strongly", { "if-match": "W/E" }, 412, ""],
  ["If-Match goes before If-None-Match", { "if-match": '"x"', "if-none-match": "E" }, 412, ""],
  ["If-Modified-Since our date", { "if-modified-since": MODIFIED }, 304, ""],
  ["If-Modified-Since a later date", { "if-modified-since": "Wed, 02 Dec 2026 10:00:09 GMT" }, 304, ""],
  ["If-Modified-Since an earlier date", { "if-modified-since": "Tue, 01 Dec 2026 10:00:08 GMT" }, 200, BYTES],
  ["If-Modified-Since in the older form", { "if-modified-since": "Tuesday, 01-Dec-26 10:00:09 GMT" }, 304, ""],
  ["If-Modified-Since no date: ignored", { "if-modified-since": "2030" }, 200, BYTES],
  ["If-None-Match goes before dates", { "if-none-match": '"x"', "if-modified-since": MODIFIED }, 200, BYTES],
  ["If-Modified-Since goes before Range", { "if-modified-since": MODIFIED, range: "bytes=0-1" }, 304, ""],
  ["If-Unmodified-Since our date", { "if-unmodified-since": MODIFIED }, 200, BYTES],
  ["If-Unmodified-Since an earlier date", { "if-unmodified-since": "Tue, 01 Dec 2026 10:00:08 GMT" }, 412, ""],
  ["If-Unmodified-Since no date: ignored", { "if-unmodified-since": "0" }, 200, BYTES],
  [
    "If-Match goes before dates",
    { "if-match": "E", "if-unmodified-since": "Tue, 01 Dec 2020 10:00:08 GMT" },
    200,
    BYTES,
  ],
  ["If-Match goes before Range", { "if-match": '"x"', range: "bytes=0-1" }, 412, ""],
];

describe("conditions and ranges", () => {
  it.each(RANGES)("%s: %j is %d", async (_, headers, status, body, range) => {
    const own = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, value.replace(/^(W\/|"x", )?E$/, `$1${etag}`)]),
    );
    const answer = await get(own);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("content-range")).toBe(range ?? null);
    expect(answer.headers.get("etag")).toBe(etag);
    if (status >= 400) {
      expect((await answer.json()) as Json).toEqual({ error: expect.any(String) });
    } else {
      expect(await textOf(answer)).toBe(body);
      if (status !== 304) expect(answer.headers.get("content-length")).toBe(String(body.length));
    }
  });
});
