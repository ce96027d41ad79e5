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
  ".jpg": "image/jpeg",
  ".png": "image/png",
  ".webp": "image/webp",
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
  return fromFile(site.mediaDir, path);
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
