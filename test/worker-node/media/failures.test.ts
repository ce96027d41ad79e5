import { describe, expect, it } from "vitest";
import type { FailureClass } from "../../../shared/contract/failures.ts";
import { abortFailure, MediaFailure } from "../../../worker-node/media/failure.ts";
import { classifyError, classifyToolFailure, type Stage } from "../../../worker-node/media/failures.ts";

/** Messages as yt-dlp's extractors and downloaders, the libraries below them, and sites write them. */
const ROWS: [FailureClass, Stage, string][] = [
  [
    "bot",
    "extract",
    "ERROR: [youtube] x: Sign in to confirm you’re not a bot. Use --cookies-from-browser or --cookies",
  ],
  ["bot", "extract", "ERROR: [youtube] x: Sign in to confirm you're not a bot. This helps protect our community"],
  [
    "bot",
    "extract",
    "ERROR: [generic] Got HTTP Error 403 caused by Cloudflare anti-bot challenge; try again with  --extractor-args",
  ],
  ["bot", "extract", "ERROR: [TikTok] 1: The page requires solving a captcha"],
  [
    "rate",
    "extract",
    "ERROR: [generic] x: Unable to download webpage: HTTP Error 429: Too Many Requests (caused by <HTTPError 429: Too Many Requests>)",
  ],
  ["rate", "download", "ERROR: unable to download video data: HTTP Error 429: Too Many Requests"],
  ["rate", "extract", "ERROR: [youtube] x: The current session has been rate-limited by YouTube for up to an hour"],
  [
    "rate",
    "extract",
    "ERROR: [Instagram] x: Requested content is not available, rate-limit reached or login required. Use --cookies",
  ],
  ["geo", "extract", "ERROR: [x] 1: This video is not available from your location due to geo restriction"],
  [
    "geo",
    "extract",
    "ERROR: [youtube] x: Video unavailable. The uploader has not made this video available in your country",
  ],
  [
    "geo",
    "extract",
    "ERROR: [youtube] x: This video contains content from S, who has blocked it in your country on copyright grounds",
  ],
  ["geo", "extract", "ERROR: [x] 1: This content is geo-restricted to US"],
  ["geo", "extract", "ERROR: [x] 1: This video is not available in your region"],
  ["geo", "extract", "ERROR: [generic] Unable to download webpage: HTTP Error 451: Unavailable For Legal Reasons"],
  ["private", "extract", "ERROR: [youtube] x: Private video. Sign in if you've been granted access to this video"],
  ["private", "extract", "ERROR: [youtube] x: This video is private"],
  ["private", "extract", "ERROR: [youtube] x: Join this channel to get access to members-only content like this video"],
  [
    "private",
    "extract",
    "ERROR: [youtube] x: Sign in to confirm your age. This video may be inappropriate for some users.",
  ],
  ["private", "extract", "ERROR: [youtube] x: This video is age-restricted and only available on YouTube"],
  [
    "private",
    "extract",
    "ERROR: [x] 1: This video is only available for registered users. Use --username and --password",
  ],
  [
    "private",
    "extract",
    "ERROR: [vimeo] 1: This video is protected by a password, use the --video-password option. password-protected",
  ],
  ["private", "extract", "ERROR: [x] 1: You need to log in to access this content"],
  [
    "private",
    "extract",
    "ERROR: [generic] 403: Unable to download webpage: HTTP Error 403: Forbidden (caused by <HTTPError 403: Forbidden>)",
  ],
  ["private", "extract", "ERROR: [generic] x: Unable to download webpage: HTTP Error 401: Unauthorized"],
  ["removed", "extract", "ERROR: [youtube] x: Video unavailable. This video has been removed by the uploader"],
  ["removed", "extract", "ERROR: [youtube] x: This video has been removed for violating YouTube's Terms of Service"],
  ["removed", "extract", "ERROR: [youtube] x: Video unavailable"],
  [
    "removed",
    "extract",
    "ERROR: [youtube] x: Video unavailable. This video is no longer available due to a copyright claim by S",
  ],
  [
    "removed",
    "extract",
    "ERROR: [youtube] x: This video is no longer available because the YouTube account associated with this video has been terminated.",
  ],
  ["removed", "extract", "ERROR: [youtube] x: This video isn't available anymore. The video is not available"],
  [
    "removed",
    "extract",
    "ERROR: [generic] 410: Unable to download webpage: HTTP Error 410: Gone (caused by <HTTPError 410: Gone>)",
  ],
  [
    "removed",
    "extract",
    "ERROR: [generic] 404: Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)",
  ],
  ["unsupported", "extract", "ERROR: Unsupported URL: http://127.0.0.1:43999/pages/plain"],
  ["unsupported", "extract", "ERROR: Unsupported URL: https://example.com/drm/private-video/captcha"],
  ["unsupported", "extract", "ERROR: [generic] 'x' is not a valid URL. Set --default-search"],
  [
    "unsupported",
    "extract",
    "ERROR: [x] 1: No video formats found!; please report this issue on  https://github.com/yt-dlp/yt-dlp/issues",
  ],
  ["unsupported", "extract", "ERROR: [twitter] 1: No video could be found in this tweet"],
  [
    "unsupported",
    "extract",
    "ERROR: [generic] x: Unable to download webpage: HTTP Error 403: Blocked by egress guard: private address (caused by x)",
  ],
  [
    "unsupported",
    "download",
    "ERROR: unable to download video data: Tunnel connection failed: 403 Blocked by egress guard: private address",
  ],
  [
    "network",
    "extract",
    "ERROR: [generic] x: Unable to download webpage: HTTP Error 502: Bad Gateway: name resolution failed",
  ],
  ["drm", "extract", "ERROR: [generic] master: This video is DRM protected"],
  ["drm", "extract", "ERROR: [DRM] The requested site is known to use DRM protection. It will NOT be supported."],
  ["not_begun", "extract", "ERROR: [youtube] x: This live event will begin in 3 hours."],
  ["not_begun", "extract", "ERROR: [youtube] x: Premieres in 2 hours"],
  ["not_begun", "extract", "ERROR: [twitch:stream] x: The channel is not currently live"],
  [
    "network",
    "extract",
    "ERROR: [generic] Unable to download webpage: The read operation timed out (caused by TransportError('The read operation timed out'))",
  ],
  [
    "network",
    "extract",
    "ERROR: [generic] Unable to download webpage: [Errno -3] Temporary failure in name resolution",
  ],
  ["network", "extract", "ERROR: [generic] Unable to download webpage: HTTP Error 503: Service Unavailable"],
  ["network", "download", "ERROR: unable to download video data: HTTP Error 403: Forbidden"],
  ["network", "download", "ERROR: [Errno 104] Connection reset by peer"],
  ["network", "download", "ERROR: unable to download video data: HTTP Error 500: Internal Server Error"],
  [
    "network",
    "download",
    "ERROR: \r[download] Got error: 470462 bytes read, 470463 more expected. Giving up after 3 retries",
  ],
  ["network", "download", "ERROR: content too short (expected 10 bytes and served 5)"],
  ["network", "download", "ERROR: fragment 3 not found, unable to continue"],
  ["network", "download", "ERROR: Did not get any data blocks"],
  ["disk", "download", "ERROR: unable to write data: [Errno 28] No space left on device"],
  ["disk", "mux", "av_interleaved_write_frame(): No space left on device"],
  [
    "media",
    "mux",
    "[mov,mp4,m4a,3gp,3g2,mj2 @ 0x55] moov atom not found\nfile:/w/source-0: Invalid data found when processing input",
  ],
  [
    "media",
    "extract",
    "ERROR: [x] 1: An extractor error has occurred. (caused by KeyError('a')); please report this issue on  https://github.com/yt-dlp/yt-dlp/issues",
  ],
  ["media", "download", ""],
];

/** Each HTTP error of the page, and of the media, with no word beside it: the table of the guide. */
const STATUSES: [status: string, page: FailureClass, media: FailureClass][] = [
  ["302: Found (redirect loop detected)", "unsupported", "unsupported"],
  ["400: Bad Request", "unsupported", "network"],
  ["401: Unauthorized", "private", "network"],
  ["402: Payment Required", "private", "network"],
  ["403: Forbidden", "private", "network"],
  ["404: Not Found", "removed", "removed"],
  ["405: Method Not Allowed", "unsupported", "network"],
  ["406: Not Acceptable", "unsupported", "network"],
  ["408: Request Timeout", "network", "network"],
  ["410: Gone", "removed", "removed"],
  ["412: Precondition Failed", "bot", "bot"],
  ["429: Too Many Requests", "rate", "rate"],
  ["451: Unavailable For Legal Reasons", "geo", "geo"],
  ["500: Internal Server Error", "network", "network"],
  ["502: Bad Gateway", "network", "network"],
  ["503: Service Unavailable", "network", "network"],
  ["511: Network Authentication Required", "network", "network"],
  ["522: ", "network", "network"],
];

/** More sentences of sites that cannot be had here, with the text that the user reads. */
const TEXTS: [FailureClass, string, string][] = [
  [
    "private",
    "ERROR: [youtube] x: Private video. Sign in if you've been granted access to this video",
    "Video is private",
  ],
  [
    "private",
    "ERROR: [youtube] x: Sign in to confirm your age. This video may be inappropriate for some users. Use --cookies-from-browser or --cookies",
    "Video is age-restricted",
  ],
  [
    "private",
    "ERROR: [youtube] x: Join this channel to get access to members-only content like this video, and other exclusive perks.",
    "Video is for members only",
  ],
  ["private", "ERROR: [youtube] x: This video is only available to Music Premium members", "Video is for members only"],
  [
    "private",
    "ERROR: [vimeo] 1: This video is protected by a password, use the --video-password option",
    "Video is protected by a password",
  ],
  [
    "private",
    "ERROR: [Instagram] x: Instagram sent an empty media response. Check if this post is accessible in your browser without being logged-in.",
    "Sign-in is required by the site",
  ],
  [
    "private",
    "ERROR: [twitter] 1: You are not authorized to view this protected tweet. Use --cookies",
    "Video is private",
  ],
  [
    "removed",
    "ERROR: [youtube] x: This video is no longer available because the YouTube account associated with this video has been terminated.",
    "The channel has been terminated",
  ],
  [
    "removed",
    "ERROR: [youtube] x: Video unavailable. This video contains content from S, who has blocked it on copyright grounds",
    "Video was removed because of a copyright claim",
  ],
  [
    "removed",
    "ERROR: [youtube] x: Video unavailable. This video has been removed by the uploader",
    "Video has been removed",
  ],
  ["removed", "ERROR: [youtube] x: This live stream recording is not available.", "Video is unavailable"],
  ["removed", "ERROR: [youtube] x: We're processing this video. Check back later.", "Video is unavailable"],
  [
    "geo",
    "ERROR: [svtplay] 1: This video is only available in Sweden\nYou might want to use a VPN or a proxy server (with --proxy) to workaround.",
    "Video is not available in this region",
  ],
  [
    "bot",
    "ERROR: [youtube] x: Please sign in. YouTube is requiring a captcha challenge before playback",
    "Bot detection: the site asked to sign in",
  ],
  [
    "bot",
    "ERROR: [TikTok] 1: Your IP address is blocked from accessing this post",
    "Bot detection: the site asked to sign in",
  ],
  [
    "bot",
    "ERROR: [vimeo] 1: This request has been blocked due to its TLS fingerprint. Install a required impersonation dependency",
    "Bot detection: the site asked to sign in",
  ],
  [
    "rate",
    "ERROR: [youtube] x: This content isn't available, try again later. The current session has been rate-limited by YouTube for up to an hour.",
    "Rate limited by the source site",
  ],
  [
    "rate",
    "ERROR: [BiliBili] 1: Request is blocked by server (412), please wait and try later.",
    "Rate limited by the source site",
  ],
  ["not_begun", "ERROR: [youtube] x: Premiere will begin shortly", "The stream has not started"],
  ["not_begun", "ERROR: [tver] x: This program is scheduled to start at 12:00 JST", "The stream has not started"],
  ["not_begun", "ERROR: [picarto] x: Stream is offline", "The stream has not started"],
  ["removed", "ERROR: [TikTok:live] x: This livestream has ended", "Video is unavailable"],
  ["unsupported", "ERROR: [ninegag] 1: The given url does not contain a video", "Unsupported URL"],
  [
    "unsupported",
    "ERROR: [generic] Unable to download webpage: HTTP Error 301: Moved Permanently (redirect loop detected) (caused by <HTTPError 301: Moved Permanently>)",
    "The URL redirects in a circle",
  ],
  [
    "network",
    "ERROR: [x] 1: Unable to download video info: HTTP Error 503: Service Unavailable (caused by <HTTPError 503: Service Unavailable>)",
    "Network error while downloading",
  ],
  [
    "network",
    "ERROR: [x] 1: Unable to download user page: Remote end closed connection without response",
    "Network error while downloading",
  ],
  ["media", "ERROR: pycryptodomex not found. Please install", "A tool is missing on the worker node"],
];

describe("classifyToolFailure", () => {
  it.each(STATUSES)("takes HTTP %s of the page for %s, of the media for %s", (status, page, media) => {
    const of = (stage: Stage, what: string) =>
      classifyToolFailure(stage, { code: 1, stderrTail: `ERROR: ${what}: HTTP Error ${status}` }).class;
    expect([
      of("extract", "[generic] x: Unable to download webpage"),
      of("download", "unable to download video data"),
    ]).toEqual([page, media]);
  });

  it.each(TEXTS)("%s: %s → %s", (expected, stderrTail, text) => {
    const failure = classifyToolFailure("extract", { code: 1, stderrTail });
    expect([failure.class, failure.message]).toEqual([expected, text]);
  });

  it.each(ROWS)("%s, while in %s: %s", (expected, stage, stderrTail) => {
    expect(classifyToolFailure(stage, { code: 1, stderrTail }).class).toBe(expected);
  });

  it("goes by the last ERROR, not by the warnings around it", () => {
    const stderrTail = "WARNING: HTTP Error 429\nERROR: [youtube] x: Private video\nWARNING: this is DRM";
    expect(classifyToolFailure("extract", { code: 1, stderrTail }).class).toBe("private");
  });

  it("says the class's own text, and for the unclassified what the tool said, cleaned", () => {
    const said = (stderrTail: string) => classifyToolFailure("extract", { code: 1, stderrTail }).message;
    expect(said("ERROR: [youtube] x: Sign in to confirm you’re not a bot")).toBe(
      "Bot detection: the site asked to sign in",
    );
    expect(
      said("ERROR: [x] 1: Odd thing in /tmp/a/b.json; please report this issue on  https://github.com/yt-dlp/yt-dlp"),
    ).toBe("Odd thing in");
  });

  it("takes over a Retry-After, an hour at most", () => {
    const wait = (text: string) =>
      classifyToolFailure("extract", { code: 1, stderrTail: `ERROR: HTTP Error 429, ${text}` });
    expect(wait("Retry-After: 17").retryAfterSeconds).toBe(17);
    expect(wait("retry after 999999").retryAfterSeconds).toBe(3_600);
    expect(wait("").retryAfterSeconds).toBeNull();
  });

  it("tells a slow site from a job that ran too long", () => {
    expect(classifyToolFailure("extract", { code: null, stderrTail: "", timedOut: true }).class).toBe("network");
    expect(classifyToolFailure("mux", { code: null, stderrTail: "", timedOut: true }).class).toBe("timeout");
  });

  it("takes a missing tool for a fault of the node, and its words alone for none: a site may say them", () => {
    const gone = classifyToolFailure("mux", { code: 127, stderrTail: "", missing: true });
    expect([gone.class, gone.message]).toEqual(["node_fault", "A tool is missing on the worker node"]);
    expect(classifyToolFailure("extract", { code: 1, stderrTail: "ERROR: x: command not found" }).class).toBe("media");
  });
});

describe("classifyError", () => {
  it.each([
    ["ENOSPC", "disk"],
    ["EDQUOT", "disk"],
    ["ECONNRESET", "network"],
    ["ENOTFOUND", "network"],
    ["EACCES", "media"],
  ])("%s is %s", (code, expected) => {
    expect(classifyError(Object.assign(new Error("x"), { code })).class).toBe(expected);
  });

  it("leaves a failure as it is", () => {
    const failure = new MediaFailure("clip");
    expect(classifyError(failure)).toBe(failure);
  });
});

describe("abortFailure", () => {
  it("is the reason that the caller gave, else a cancel", () => {
    expect(abortFailure(AbortSignal.abort(new MediaFailure("timeout"))).class).toBe("timeout");
    expect(abortFailure(AbortSignal.abort()).class).toBe("cancelled");
  });
});
