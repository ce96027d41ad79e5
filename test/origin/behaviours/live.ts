import { createCipheriv } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Exchange, sendText } from "../exchange.ts";
import { LIVE_SEGMENTS } from "../recipes.ts";
import { fromBytes, fromText, type Resource } from "../resource.ts";
import { sendResource } from "../send.ts";
import { reset } from "./broken.ts";

/** A player starts three target durations before the edge (RFC 8216, 6.3.3); with fewer it may wait instead. */
const SEGMENTS_AT_START = 3;
const PLAYLIST_TYPE = "application/vnd.apple.mpegurl";
const MEDIA = ["broadcast", "broadcast-mp4", "broadcast-video", "broadcast-audio", "broadcast-ranges"];
const SEGMENT_KEY = Buffer.from("0123456789abcdef");

/**
 * `/live/<segments>/<key>/index.m3u8`: a live stream of one-second segments. It grows by one segment each time that the
 * playlist is asked for, not by the clock, so a test sees the same stream on a slow machine; and it ends when it has
 * `<segments>`. yt-dlp asks three times before its download begins, so a stream that it should meet alive needs 10 or more
 * segments. With more than there are (60) it never ends: it stands still, as a stream whose encoder has died.
 * `/live/<segments>/<key>/master.m3u8` has picture and sound apart. The query changes the stream:
 *
 * | query | what it does |
 * | --- | --- |
 * | `media=<folder>` | the shape: `broadcast-mp4` (fMP4), `-video`, `-audio`, `-ranges` (byte ranges of one file) |
 * | `start=<n>` | segments at the first look |
 * | `window=<n>` | only the newest n are listed; without it the playlist keeps all, as an EVENT does |
 * | `break=<n>` | from segment n on a new timeline begins, after a discontinuity; with `untold`, without a word of it |
 * | `restart=<n>` | at segment n the encoder starts anew and counts from 0 |
 * | `gap=<n>` | segment n is listed as a gap |
 * | `fault=<n>:<path>` | segment n lies behind this behaviour, `status/403` or `flaky/503/2/k` for instance |
 * | `rest=<a>-<b>` | nothing new at the ath to bth look |
 * | `down=<a>-<b>:<code>` | these looks answer the status, or `reset` |
 * | `moved=<n>` | from the nth look on this address answers 403; `&again` has the stream then |
 * | `sealed` | AES-128 |
 * | `locked=<n>` | from the nth look on the segments are copy-protected |
 */
export async function live(exchange: Exchange, [segments = "", key]: readonly string[], file: string): Promise<void> {
  const query = exchange.url.searchParams;
  if (file === "master.m3u8") return sendResource(exchange, fromText(PLAYLIST_TYPE, master(exchange.url.search)));
  const media = query.get("media") ?? "broadcast";
  if (!MEDIA.includes(media)) return sendText(exchange, 404, `no broadcast called ${media}`);
  const visit = exchange.site.visits.next(`live/${segments}/${key}/${media}`);
  if (query.has("moved") && !query.has("again") && visit >= Number(query.get("moved")))
    return sendText(exchange, 403, "this address has run out");
  const [looks = "", code = ""] = (query.get("down") ?? "").split(":");
  const playlist = fromText(PLAYLIST_TYPE, await listing(exchange, media, Number(segments), visit));
  if (!isWithin(looks, visit)) return sendResource(exchange, playlist);
  return code === "reset" ? reset(exchange, playlist) : sendText(exchange, Number(code), "not now");
}

/** `/sealed/<sequence>/<file>`: the file under AES-128 with this IV. `/sealed/key`: the key. */
export async function sealed(exchange: Exchange, [sequence = ""]: readonly string[], path: string): Promise<void> {
  if (sequence === "key") return sendResource(exchange, fromBytes("application/octet-stream", SEGMENT_KEY));
  const clear = await readFile(join(exchange.site.mediaDir, "broadcast", path.split("/").at(-1) ?? ""));
  const cipher = createCipheriv("aes-128-cbc", SEGMENT_KEY, Buffer.from(sequence.padStart(32, "0"), "hex"));
  const resource: Resource = fromBytes("video/mp2t", Buffer.concat([cipher.update(clear), cipher.final()]));
  return sendResource(exchange, resource);
}

/** `/upcoming/<n>/<key>/<path…>`: not yet for the first n requests, then a redirect to the path. */
export function upcoming(exchange: Exchange, [count, key]: readonly string[], path: string): void {
  const early = exchange.site.visits.next(`upcoming/${key}`) <= Number(count);
  if (early) sendText(exchange, 425, "This live event will begin in a few moments.");
  else sendText(exchange, 302, "it has begun", { location: `/${path}${exchange.url.search}` });
}

function master(search: string): string {
  const query = (media: string) => `index.m3u8${search === "" ? "?" : `${search}&`}media=${media}`;
  return [
    "#EXTM3U",
    `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",DEFAULT=YES,URI="${query("broadcast-audio")}"`,
    '#EXT-X-STREAM-INF:BANDWIDTH=300000,RESOLUTION=320x180,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="a"',
    query("broadcast-video"),
    "",
  ].join("\n");
}

async function listing(exchange: Exchange, media: string, total: number, visit: number): Promise<string> {
  const query = exchange.url.searchParams;
  const number = (name: string) => (query.has(name) ? Number(query.get(name)) : Number.POSITIVE_INFINITY);
  const { map, entries } = await made(exchange, media);
  const rested = Array.from({ length: visit }, (_, at) => at + 1).filter((at) => isWithin(query.get("rest") ?? "", at));
  const start = query.has("start") ? number("start") : SEGMENTS_AT_START;
  const shown = Math.min(start + visit - 1 - rested.length, total, LIVE_SEGMENTS);
  const restart = shown > number("restart") ? number("restart") : 0;
  const first = Math.max(restart, query.has("window") ? shown - number("window") : 0);
  const lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:1", `#EXT-X-MEDIA-SEQUENCE:${first - restart}`];
  if (!query.has("window")) lines.push("#EXT-X-PLAYLIST-TYPE:EVENT");
  if (first > number("break")) lines.push("#EXT-X-DISCONTINUITY-SEQUENCE:1");
  if (query.has("sealed")) lines.push('#EXT-X-KEY:METHOD=AES-128,URI="/sealed/key"');
  if (visit >= number("locked")) lines.push('#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://x",KEYFORMAT="com.example"');
  if (map !== null) lines.push(map);
  const [faulty, behind = ""] = (query.get("fault") ?? "").split(":");
  for (let index = first; index < shown; index += 1) {
    // The second timeline is the first one again: its clock starts over.
    const entry = entries[index >= number("break") ? index - number("break") : index];
    if (index === number("break") && !query.has("untold")) lines.push("#EXT-X-DISCONTINUITY");
    if (index === number("gap")) lines.push("#EXT-X-GAP");
    const under = query.has("sealed") ? `sealed/${(index - restart).toString(16)}/` : "";
    const through = String(index) === faulty ? `${behind}/` : "";
    lines.push(...(entry?.tags ?? []), `/${through}${under}${media}/${entry?.uri}`);
  }
  if (shown === total) lines.push("#EXT-X-ENDLIST");
  return `${lines.join("\n")}\n`;
}

interface Entry {
  tags: string[];
  uri: string;
}

/** What ffmpeg wrote: the segments with their tags, and the map before them. */
async function made(exchange: Exchange, media: string): Promise<{ map: string | null; entries: Entry[] }> {
  const text = await readFile(join(exchange.site.mediaDir, media, "index.m3u8"), "utf8");
  const entries: Entry[] = [];
  let map: string | null = null;
  let tags: string[] = [];
  for (const line of text.split("\n")) {
    if (line.startsWith("#EXT-X-MAP:")) map = line.replace(/URI="([^"]*)"/, `URI="/${media}/$1"`);
    else if (/^#EXTINF|^#EXT-X-BYTERANGE/.test(line)) tags.push(line);
    else if (line !== "" && !line.startsWith("#")) {
      entries.push({ tags, uri: line });
      tags = [];
    }
  }
  return { map, entries };
}

function isWithin(range: string, visit: number): boolean {
  const [first, last] = range.split("-");
  return range !== "" && visit >= Number(first) && visit <= Number(last);
}
