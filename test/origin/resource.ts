import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { feed } from "./feed.ts";
import { PAGES } from "./pages.ts";
import { directorySearch, musicServicePage } from "./podcasts.ts";

/** One thing that the site can show, whichever behaviour it is asked through. */
export interface Resource {
  readonly type: string;
  readonly size: number;
  readonly etag: string;
  /** Bytes `start` to `end`, both included. */
  read(start: number, end: number): AsyncIterable<Buffer>;
}

const TYPES: Readonly<Record<string, string>> = {
  ".mp4": "video/mp4",
  ".webm": "video/webm",
  ".mp3": "audio/mpeg",
  ".m4a": "audio/mp4",
  ".ogg": "audio/ogg",
  ".ts": "video/mp2t",
  ".m4s": "video/iso.segment",
  ".m3u8": "application/vnd.apple.mpegurl",
  ".mpd": "application/dash+xml",
  ".vtt": "text/vtt; charset=utf-8",
  ".srt": "application/x-subrip; charset=utf-8",
  ".ttml": "application/ttml+xml; charset=utf-8",
  ".ass": "text/x-ssa; charset=utf-8",
  ".jpg": "image/jpeg",
  ".png": "image/png",
  ".webp": "image/webp",
  ".gif": "image/gif",
};

/**
 * Finds what is shown at `path` (no leading slash): a page, the feed, or a generated file. `null` if there is nothing.
 *
 * @param site the folder of media, and the site's address as the client wrote it, for the absolute links of pages
 */
export async function findResource(
  path: string,
  query: URLSearchParams,
  site: { mediaDir: string; address: string },
): Promise<Resource | null> {
  const page = PAGES[path];
  if (page) return fromText("text/html; charset=utf-8", page(site.address));
  if (path === "feed.xml") {
    return fromText("application/rss+xml; charset=utf-8", await feed(site.mediaDir, site.address, query));
  }
  if (path === "podcasts/search") {
    return fromText("text/javascript; charset=utf-8", directorySearch(query, site.address));
  }
  if (path.startsWith("spotify/")) {
    const show = musicServicePage(path.slice("spotify/".length));
    return show === null ? null : fromText("text/html; charset=utf-8", show);
  }
  const padded = /^padded\/(\d{1,13})\/(.+\.mp4)$/.exec(path);
  if (padded === null) return fromFile(site.mediaDir, path);
  const file = await fromFile(site.mediaDir, padded[2] ?? "");
  return file === null ? null : pad(file, Number(padded[1]));
}

/** A resource out of a text that was made for this request. */
export function fromText(type: string, text: string): Resource {
  return fromBytes(type, Buffer.from(text));
}

export function fromBytes(type: string, body: Buffer): Resource {
  return {
    type,
    size: body.length,
    etag: `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`,
    async *read(start, end) {
      yield body.subarray(start, end + 1);
    },
  };
}

async function fromFile(mediaDir: string, path: string): Promise<Resource | null> {
  const file = join(mediaDir, normalize(`/${path}`));
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) return null;
  return {
    type: TYPES[extname(file)] ?? "application/octet-stream",
    size: found.size,
    // With the time of the file, since x264 on several threads gives other bytes when the cache is made again.
    etag: `"${createHash("sha256").update(`${path}:${found.size}:${found.mtimeMs}`).digest("hex").slice(0, 16)}"`,
    read: (start, end) => createReadStream(file, { start, end }),
  };
}

const PADDING = Buffer.alloc(1024 * 1024, "padding ");
/** A box whose length takes 64 bits (ISO 14496-12, 4.2). */
const BOX_HEADER_BYTES = 16;

/** The film with a `free` box behind it, `size` bytes in all: as large as a test likes, and still a sound MP4. */
function pad(file: Resource, size: number): Resource {
  const header = Buffer.alloc(BOX_HEADER_BYTES);
  header.writeUInt32BE(1, 0);
  header.write("free", 4, "latin1");
  header.writeBigUInt64BE(BigInt(Math.max(BOX_HEADER_BYTES, size - file.size)), 8);
  const body = file.size + BOX_HEADER_BYTES;
  return {
    type: file.type,
    size: Math.max(size, body),
    etag: file.etag.replace(/"$/, `-${size}"`),
    async *read(start, end) {
      if (start < file.size) yield* file.read(start, Math.min(end, file.size - 1));
      if (start < body && end >= file.size) {
        yield header.subarray(Math.max(0, start - file.size), Math.max(0, end + 1 - file.size));
      }
      for (let at = Math.max(start, body); at <= end; ) {
        const from = (at - body) % PADDING.length;
        const piece = PADDING.subarray(from, from + Math.min(PADDING.length, end + 1 - at));
        yield piece;
        at += piece.length;
      }
    },
  };
}
