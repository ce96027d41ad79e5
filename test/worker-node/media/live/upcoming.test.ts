/** When a stream that has not begun is said to begin: by the page's data, or by yt-dlp's sentence alone. */
import { afterEach, describe, expect, it, vi } from "vitest";
import type { MediaFailure } from "../../../../worker-node/media/failure.ts";
import { classifyToolFailure } from "../../../../worker-node/media/failures.ts";
import { extractMedia } from "../../../../worker-node/media/run-attempt.ts";
import { toSourceInfo } from "../../../../worker-node/media/source.ts";
import { jobOptions } from "../../../job-options.ts";
import { fakeYtDlp } from "../../session/harness.ts";

const NOW = Date.parse("2026-11-25T10:00:00Z");
const TOOL = { command: ["/bin/false"], env: {}, version: "1" };

afterEach(() => vi.useRealTimers());

async function look(info: Record<string, unknown>): Promise<MediaFailure> {
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
  const ytdlp = fakeYtDlp(async () => ({ kind: "single", source: toSourceInfo(info) }));
  const request = { url: "https://media.example.com/x", options: jobOptions(), dir: "/nonexistent", proxyUrl: null };
  const limits = { maxFilesizeBytes: null, maxDurationSeconds: null };
  const looking = extractMedia({ ...request, ...limits }, { ytdlp, ffmpeg: TOOL, ffprobe: TOOL }, AbortSignal.any([]));
  return looking.then(
    () => Promise.reject(new Error("it was found")),
    (failure: MediaFailure) => failure,
  );
}

describe("a source that says that it is upcoming", () => {
  it.each([
    ["in two hours", NOW / 1000 + 7_200, 7_200],
    ["some time ago", NOW / 1000 - 60, null],
    ["at no time", null, null],
  ])("and begins %s", async (_, release_timestamp, expected) => {
    const failure = await look({ id: "x", live_status: "is_upcoming", release_timestamp });
    expect(failure).toMatchObject({ class: "not_begun", message: "The stream has not started" });
    expect(failure.startsInSeconds).toBe(expected);
  });
});

it.each([
  ["This live event will begin in 5 hours.", 18_000],
  ["Premieres in 1 minute", 60],
  ["The stream starts in 2 days", 172_800],
  ["This live event will begin in a few moments.", null],
  ["The channel is not currently live", null],
])("yt-dlp's %j tells %j seconds", (words, seconds) => {
  const failure = classifyToolFailure("extract", { code: 1, stderrTail: `ERROR: [site] x: ${words}` });
  expect(failure).toMatchObject({ class: "not_begun", startsInSeconds: seconds });
});
