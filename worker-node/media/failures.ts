/**
 * The one classifier of the node: what a tool said → a failure class of jobs API 12. The texts are those of yt-dlp's
 * extractors and downloaders and of ffmpeg; the order matters, the first rule that matches decides.
 */
import type { FailureClass } from "../../shared/contract/failures.ts";
import { MediaFailure } from "./failure.ts";

export type Stage = "extract" | "download" | "mux";

/** What a run of a tool leaves to judge by; `RunResult` fits. */
export interface ToolEnd {
  code: number | null;
  stderrTail: string;
  timedOut?: boolean;
  missing?: boolean;
  overflow?: boolean;
}

interface Rule {
  class: FailureClass;
  match: RegExp;
  /** The text for the user; without it the class's own text is said. `tool`: what the tool said, cleaned. */
  text?: string;
}

const RULES: readonly Rule[] = [
  // The node itself is in trouble: before anything that a site may have said in the same breath.
  { class: "disk", match: /no space left on device|disk quota exceeded|\benospc\b|\bedquot\b|read-only file system/i },
  // The egress guard's reason phrase (`egress/policy.ts`): it comes as a 403 through the proxy.
  {
    class: "unsupported",
    match: /blocked by (?:the )?egress|egress guard|private address|address (?:is )?not allowed/i,
    text: "Unsupported URL",
  },
  // Sites that suspect a robot. Before "sign in", which the same sentence begins with.
  {
    class: "bot",
    match:
      /not a (?:ro)?bot\b|captcha|unusual traffic|cloudflare anti-bot|just a moment\.\.\.|bot (?:check|detection)/i,
  },
  {
    class: "rate",
    match:
      /HTTP Error 429|\btoo many requests\b|rate[- ]?limit|\bquota exceeded\b|try again later.*(?:too often|limit)/i,
  },
  { class: "drm", match: /\bDRM\b|widevine|playready|fairplay|SAMPLE-AES/i },
  {
    class: "not_begun",
    match:
      /(?:live event|stream|premiere|broadcast|event|livestream|video).{0,40}(?:will (?:begin|start)|has not (?:yet )?(?:begun|started)|(?:begins|starts) in\b)|premieres in\b|not (?:currently|yet) live|is offline\b|isn't live|has not aired yet|is upcoming/i,
  },
  {
    class: "geo",
    match:
      /geo[- ]?(?:restrict|block)|(?:not|isn't|unavailable).{0,40}(?:available )?(?:in|from) your (?:country|region|location|area)|blocked (?:it )?in your country|in your (?:country|region) on copyright|HTTP Error 451/i,
  },
  // Before "not found" can mean the video.
  { class: "network", match: /fragment \d+ not found|did not get any data blocks/i },
  // Removed before private: "removed … account terminated" sentences also speak of the uploader's privacy.
  {
    class: "removed",
    match:
      /has been (?:removed|deleted|taken down|terminated|disabled)|was (?:removed|deleted|taken down)|been removed by|no longer available|account (?:associated with this video )?has been (?:terminated|closed|suspended)|channel (?:does not exist|was terminated)|copyright (?:claim|grounds|infringement|strike)|HTTP Error 410|does ?n[o']t exist|page not found/i,
  },
  {
    class: "private",
    match:
      /\bprivate (?:video|playlist|account|profile|content|track|post)\b|(?:video|playlist|account|content|track|post|this) is private|members?[- ]only|join this channel|subscribers?[- ]only|only available (?:for|to) (?:registered|premium|subscrib|paying|patron|member|logged)|age[- ](?:restrict|limit|gate|check)|confirm your age|inappropriate for some users|log ?in (?:is )?required|(?:need|have|required) to (?:log|sign) ?in|please (?:log|sign) ?in|sign in to|login with|requires? (?:authentication|a password|payment|purchase|a subscription|an account|rental)|password[- ]protected|wrong password|use --cookies|--username and --password|paid content|HTTP Error 401/i,
  },
  {
    class: "removed",
    match:
      /(?:video|content|media|post|clip|episode|track|stream|this|playlist).{0,20} (?:is |is currently |currently )?(?:unavailable|not available)|HTTP Error 404|\bnot found\b/i,
  },
  {
    class: "unsupported",
    match:
      /Unsupported URL|no suitable extractor|is not a valid URL|no video formats found|no media found|no video could be found|there(?:'s| is) no video|no video in|unsupported (?:url|protocol) scheme|requested format is not available|file:\/\/ URLs are disabled|piracy/i,
  },
  {
    class: "network",
    match:
      /timed? ?out|connection (?:reset|refused|aborted|closed|broken)|remote end closed|IncompleteRead|content too short|bytes read, .* more expected|temporary failure in name resolution|name or service not known|getaddrinfo|no address associated|network is unreachable|no route to host|broken pipe|ssl|tls|certificate|eof occurred|HTTP Error (?:5\d\d|408|425|400)|bad gateway|service unavailable|proxy|transporterror|did not get any data blocks|downloaded file is empty|fragment .* not found|unable to (?:continue|connect|download)|failed to (?:resolve|connect)|giving up after|errno (?:32|10[0-9]|11[0-3])\b/i,
  },
];

/** A longer message repeats itself, or is a page that a site sent in place of one. */
const MAX_JUDGED_LENGTH = 4_000;
const FULL_DISK = new Set(["ENOSPC", "EDQUOT", "EROFS"]);
const NO_CONNECTION = /^(?:ECONN|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_|EHOST|ENET|UND_ERR_)/;

/**
 * Classifies the end of a tool.
 *
 * @param stage What the tool was doing: a wordless failure while fetching is no fault of the media.
 * @example classifyToolFailure("extract", { code: 1, stderrTail: "ERROR: [youtube] x: Private video" }).class // "private"
 */
export function classifyToolFailure(stage: Stage, end: ToolEnd): MediaFailure {
  if (end.missing) return new MediaFailure("media", "A tool is missing on the worker node");
  const said = errorLine(end.stderrTail);
  const retryAfter = retryAfterSeconds(end.stderrTail);
  // What it said first; that it ran into our time limit only if it said nothing.
  // Addresses are no words: `/drm/` in a path says nothing about the media.
  const words = said.replace(/\bhttps?:\/\/\S+/gi, "<url>");
  const rule = forbidden(stage, words) ?? RULES.find((one) => one.match.test(words));
  if (stage === "mux") return rule?.class === "disk" ? new MediaFailure("disk") : muxFailure(end);
  if (rule?.class === "not_begun") return MediaFailure.notBegun(startsInSeconds(words));
  if (rule !== undefined)
    return new MediaFailure(rule.class, rule.text ?? null, rule.class === "rate" ? retryAfter : null);
  if (end.timedOut)
    return new MediaFailure(
      stage === "extract" ? "network" : "timeout",
      stage === "extract" ? "The source site did not answer in time" : null,
    );
  return new MediaFailure("media", said === "" ? null : userText(said));
}

/** A 403 for the page is the site's "no"; for the media it is mostly an address that ran out, and a new look helps. */
function forbidden(stage: Stage, words: string): Rule | undefined {
  const match = /HTTP Error 403/i;
  // Cloudflare's challenge and our egress guard answer 403 too, and have rules of their own.
  if (!match.test(words) || /anti-bot|captcha|\bbot\b|egress guard/i.test(words)) return undefined;
  return { class: stage === "extract" ? "private" : "network", match };
}

function muxFailure(end: ToolEnd): MediaFailure {
  return end.timedOut ? new MediaFailure("timeout") : new MediaFailure("media");
}

/** Classifies what our own code threw: file system and socket errors by their code; a `MediaFailure` stays itself. */
export function classifyError(error: unknown): MediaFailure {
  if (error instanceof MediaFailure) return error;
  const code = String((error as NodeJS.ErrnoException | null)?.code ?? "");
  if (FULL_DISK.has(code)) return new MediaFailure("disk");
  if (NO_CONNECTION.test(code)) return new MediaFailure("network");
  return new MediaFailure("media");
}

/** The last `ERROR:` of yt-dlp decides; a tool without that word is judged by its last lines. */
function errorLine(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const at = lines.findLastIndex((line) => line.startsWith("ERROR:"));
  const chosen = at >= 0 ? lines.slice(at, at + 3) : lines.slice(-3);
  const words = chosen.filter((line) => !line.startsWith("WARNING:"));
  return words.join(" ").slice(0, MAX_JUDGED_LENGTH);
}

/** `ERROR: [site] id: Words (caused by …); please report …` → the words. */
function userText(said: string): string {
  return said
    .replace(/^ERROR:\s*/, "")
    .replace(/^\[[^\]]{1,60}\]\s*(?:\S{1,80}:\s)?/, "")
    .replace(/\s*\(caused by .*$/s, "")
    .replace(/;?\s*please report this issue.*$/is, "")
    .replace(/\s*Confirm you are on the latest version.*$/is, "");
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3_600, day: 86_400 };

/** `This live event will begin in 5 hours` → 18,000; null where a site tells no number. */
function startsInSeconds(words: string): number | null {
  const match = /\b(?:begins?|starts?|premieres?) in (\d{1,4}) (second|minute|hour|day)s?\b/i.exec(words);
  return match === null ? null : Number(match[1]) * (UNIT_SECONDS[match[2]?.toLowerCase() ?? ""] ?? 0);
}

/** A site's `Retry-After`, where a message carries it; an hour is the most that is believed. */
function retryAfterSeconds(stderr: string): number | null {
  const match = /retry[- ]after[:= ]+(\d{1,6})\b/i.exec(stderr);
  return match === null ? null : Math.min(Number(match[1]), 3_600);
}
