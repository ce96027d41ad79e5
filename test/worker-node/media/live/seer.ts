/** What makes a test of a recording fast: streams that are known without a look, and patience of milliseconds. */
import { toSourceInfo } from "../../../../worker-node/media/source.ts";
import type { YtDlp } from "../../../../worker-node/media/ytdlp/port.ts";
import { saveInfo } from "../../../../worker-node/media/ytdlp/request-info.ts";
import { fakeYtDlp } from "../../session/harness.ts";

/** The site's streams grow by a second at each look, so looking fast is all that a fast test needs. */
export const FAST = {
  ...{ pollMinMs: 20, pollMaxMs: 20, retryFirstMs: 10, retryMaxMs: 40 },
  ...{ segmentPatienceMs: 4_000, silenceMs: 1_000 },
};

/**
 * Knows every address for a live stream with one format, without asking, and a second look finds it moved: the real
 * yt-dlp takes seconds to start and asks the playlist three times before the recording does.
 *
 * @param protocol What it says of the format.
 */
export function seer(protocol = "m3u8_native"): YtDlp {
  let looks = 0;
  return {
    ...fakeYtDlp(() => Promise.reject(new Error("not asked for in this test"))),
    async extract({ url }, context) {
      const format = { format_id: "one", protocol, ext: "mp4", url: looks === 0 ? url : `${url}&again` };
      const info = { id: "x", title: "A stream", extractor_key: "Fake", is_live: true, formats: [format] };
      looks++;
      await saveInfo(context.dir, JSON.stringify(info));
      return { kind: "single", source: toSourceInfo(info) };
    },
  };
}
