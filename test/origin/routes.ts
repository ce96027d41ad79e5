/**
 * The site's map. `<file>` is any plain address below, without its leading slash; relative links keep the behaviour, so
 * `/slow/20000/hls/master.m3u8` is slow down to its last segment. `<key>` is any word: each key has its own counter.
 *
 * | plain address | what is there |
 * | --- | --- |
 * | `/video-360.mp4` `/video-720.mp4` `/video-1080.mp4` | H.264 and AAC, faststart; 8 s, 8 s, 5 s |
 * | `/vertical.mp4` | 360x640, 6 s |
 * | `/video-360.webm` | VP9 and Opus, 8 s |
 * | `/padded/<bytes>/<mp4>` | that film with a `free` box behind it, so many bytes in all |
 * | `/audio.mp3` `/audio.m4a` `/audio.ogg` | MP3, AAC, Opus; 8 s |
 * | `/hls/master.m3u8` | 360p and 720p, subtitles en and de; each variant is `/hls/360p/index.m3u8` and so on |
 * | `/dash/manifest.mpd` | 360p and 720p video, one audio |
 * | `/tiny/h264.mp4` `/tiny/upright.mp4` `/tiny/vp9.webm` `/tiny/hls/index.m3u8` `/tiny/dash/manifest.mpd` | 3 s, 180 lines or columns, noise for a sound |
 * | `/long/video.mp4` `/long/hls/index.m3u8` `/long/dash/manifest.mpd` | a minute of `marked.ts`, segments of 1.92 s; the playlist says 2 |
 * | `/drm/master.m3u8` | declares FairPlay; not to be downloaded |
 * | `/hls/pieces.m3u8` | 360p, subtitles en-US in segments of 2 s, each with an X-TIMESTAMP-MAP of its own |
 * | `/subtitles/en.vtt` `/subtitles/de.vtt` `/subtitles/en.srt` `/subtitles/de.ttml` `/subtitles/fr.ass` | one word a second |
 * | `/thumbs/thumb.jpg` `.png` `.webp` `.gif` | 640x360 |
 * | `/feed.xml` | podcast of three episodes; `?items=1` shows the oldest only |
 * | `/episodes/1.mp3` to `3.mp3` | 6 s, 7 s, 8 s |
 * | `/pages/watch` | JSON-LD VideoObject and Open Graph |
 * | `/pages/open-graph` | Open Graph alone |
 * | `/pages/html5` | `<video>` with sources in 1080p, 720p, 360p and WebM, and two subtitle tracks |
 * | `/pages/captions` | 360p with tracks in SubRip (en-GB), TTML (de) and SSA (fr) |
 * | `/pages/chapters` | JSON-LD VideoObject with two chapters, and signs in its words that mean something to ffmpeg |
 * | `/pages/poster-png` `-webp` `-gif` | 360p with a poster of that kind |
 * | `/pages/gallery` | three videos |
 * | `/pages/plain` | no video |
 * | `/pages/episode-1` to `3` | the pages that the feed links to |
 * | `/spotify/show/<id>` `/spotify/embed/show/<id>` | pages of shows as a music service has them; ids in `podcasts.ts` |
 * | `/podcasts/search?media=podcast&term=…` | a directory of podcasts; knows the feed above |
 *
 * | behaviour | what it does |
 * | --- | --- |
 * | `/slow/<bytesPerSecond>/<file>` | each connection gets this much |
 * | `/hold/<key>/<file>` | 64 KiB, then nothing until `release(key)`; smaller files pass |
 * | `/stall/<file>` | the first half, then nothing |
 * | `/truncated/<file>` | full Content-Length, closed half way |
 * | `/endless/<file>` | the file, then garbage; no Content-Length; at most 1 GiB |
 * | `/huge/<bytes>/<file>` | the same with this Content-Length |
 * | `/flaky/<code>/<n>/<key>/<file>` | the first n answer `<code>` (429, 503) with `Retry-After: 1`; `2-3` in place of n: the 2nd and 3rd |
 * | `/flaky/reset/<n>/<key>/<file>` | the first n connections are reset half way |
 * | `/status/<code>/<file>` | always this status |
 * | `/private/<code>` | a page that says why the video is not there: 403, 404, 410 |
 * | `/cookie/<file>` | 403 without `session=open` in Cookie |
 * | `/header/<file>` | 403 without Referer |
 * | `/norange/<file>` | ignores Range |
 * | `/redirect/<code>/<path…>` | to this path |
 * | `/redirect-to?url=…&code=…` | to any address |
 * | `/redirect-chain/<n>/<path…>` | n redirects, then this path |
 * | `/redirect-loop` | for ever |
 * | `/live/<segments>/<key>/index.m3u8` | a live HLS: one second more at each request, until it has them all; see `live.ts` |
 * | `/live/<segments>/<key>/master.m3u8` | the same with picture and sound apart |
 * | `/upcoming/<n>/<key>/<path…>` | 425 for the first n, as of a stream that has not begun; then a redirect to the path |
 * | `/sealed/<iv>/<file>` | a segment of the broadcast under AES-128; `/sealed/key` has the key |
 *
 * | control (not logged) | what it does |
 * | --- | --- |
 * | `POST /release/<key>` | opens `/hold/<key>/` for good |
 * | `GET /requests` | the log as JSON |
 *
 * How yt-dlp (2026.10.26) takes it, for those who count requests or compare metadata:
 * - a direct file is asked for twice (look, download), never with HEAD; an HLS variant three times before its download, a
 *   fourth time by it, and a master twice plus its first variant once;
 * - the look is never retried, whatever the status; the download is retried after resets, timeouts and 5xx, not after 429;
 * - no height is known for a direct file or JSON-LD (its `width` and `height` are dropped); HLS, DASH and the labels of
 *   `/pages/html5` have heights;
 * - what has no date of its own takes the date of Last-Modified; titles from `<video>` end in " (1)";
 * - entries of the feed carry a `#__youtubedl_smuggle=` part in their address, and their guid as id.
 */

import { endless, huge, stall, truncated } from "./behaviours/broken.ts";
import { flaky } from "./behaviours/flaky.ts";
import { cookie, header, norange, status, unavailable } from "./behaviours/guarded.ts";
import { live, sealed, upcoming } from "./behaviours/live.ts";
import { hold, slow } from "./behaviours/pace.ts";
import { redirect, redirectChain, redirectLoop, redirectTo } from "./behaviours/redirects.ts";
import { type Exchange, sendText } from "./exchange.ts";
import { findResource, type Resource } from "./resource.ts";
import { sendResource } from "./send.ts";

type Answer = Promise<void> | void;
/** `args`: how many segments after the name are the behaviour's own. The rest is a file that must exist, or a path. */
type Behaviour =
  | { args: number; file: (exchange: Exchange, args: readonly string[], file: Resource) => Answer }
  | { args: number; path: (exchange: Exchange, args: readonly string[], path: string) => Answer };

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  slow: { args: 1, file: slow },
  hold: { args: 1, file: hold },
  stall: { args: 0, file: stall },
  truncated: { args: 0, file: truncated },
  endless: { args: 0, file: endless },
  huge: { args: 1, file: huge },
  flaky: { args: 3, file: flaky },
  status: { args: 1, path: status },
  private: { args: 1, path: unavailable },
  cookie: { args: 0, file: cookie },
  header: { args: 0, file: header },
  norange: { args: 0, file: norange },
  redirect: { args: 1, path: redirect },
  "redirect-to": { args: 0, path: redirectTo },
  "redirect-chain": { args: 1, path: redirectChain },
  "redirect-loop": { args: 0, path: redirectLoop },
  live: { args: 2, path: live },
  sealed: { args: 1, path: sealed },
  upcoming: { args: 2, path: upcoming },
};

/** Answers one request for content. */
export async function route(exchange: Exchange): Promise<void> {
  const { method = "GET" } = exchange.req;
  if (method !== "GET" && method !== "HEAD") {
    return sendText(exchange, 405, `no ${method} here`, { allow: "GET, HEAD" });
  }
  const path = exchange.url.pathname.slice(1);
  const [name = "", ...rest] = path.split("/");
  const behaviour = BEHAVIOURS[name];
  const args = rest.slice(0, behaviour?.args ?? 0);
  const target = behaviour ? rest.slice(behaviour.args).join("/") : path;
  if (behaviour && "path" in behaviour) return behaviour.path(exchange, args, target);

  const resource = await findResource(target, exchange.url.searchParams, {
    mediaDir: exchange.site.mediaDir,
    // As the client wrote it, so that links hold through a port forward or a container's name for this host.
    address: exchange.url.origin,
  });
  if (!resource) return sendText(exchange, 404, `nothing at /${target}`);
  return behaviour ? behaviour.file(exchange, args, resource) : sendResource(exchange, resource);
}
