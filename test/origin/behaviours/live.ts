import type { Exchange } from "../exchange.ts";
import { LIVE_SEGMENTS } from "../recipes.ts";
import { fromText } from "../resource.ts";
import { sendResource } from "../send.ts";

/** A player starts three target durations before the edge (RFC 8216, 6.3.3); with fewer it may wait instead. */
const SEGMENTS_AT_START = 3;

/**
 * `/live/<segments>/<key>/index.m3u8`: a live stream of one-second segments. It grows by one segment each time that the
 * playlist is asked for, not by the clock, so a test sees the same stream on a slow machine; and it ends when it has
 * `<segments>`. yt-dlp asks three times before its download begins, so a stream that it should meet alive needs 10 or more
 * segments. With more than there are (60) it never ends: it stands still, as a stream whose encoder has died.
 */
export function live(exchange: Exchange, [segments, key]: readonly string[]): Promise<void> {
  const total = Number(segments);
  const visit = exchange.site.visits.next(`live/${segments}/${key}`);
  const shown = Math.min(SEGMENTS_AT_START + visit - 1, total, LIVE_SEGMENTS);
  const lines = ["#EXTM3U", "#EXT-X-VERSION:3", "#EXT-X-TARGETDURATION:1", "#EXT-X-MEDIA-SEQUENCE:0"];
  for (let index = 0; index < shown; index += 1) {
    lines.push("#EXTINF:1.000,", `/broadcast/${String(index).padStart(3, "0")}.ts`);
  }
  if (shown === total) lines.push("#EXT-X-ENDLIST");
  return sendResource(exchange, fromText("application/vnd.apple.mpegurl", `${lines.join("\n")}\n`));
}
