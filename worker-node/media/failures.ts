/** The one classifier of the node: what a tool said → a failure class of jobs API 12, by `failure-rules.ts`. */
import { MediaFailure } from "./failure.ts";
import { httpStatus, LINE_RULES, plainWords, type Rule, statusRule, WORD_RULES } from "./failure-rules.ts";

export type Stage = "extract" | "download" | "mux";

/** What a run of a tool leaves to judge by; `RunResult` fits. */
export interface ToolEnd {
  code: number | null;
  signal?: string | null;
  stderrTail: string;
  timedOut?: boolean;
  missing?: boolean;
  overflow?: boolean;
  lost?: boolean;
}

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
  if (end.missing) return new MediaFailure("node_fault", "A tool is missing on the worker node");
  if (end.lost) return new MediaFailure("lost", "The download process of the worker node was lost");
  // Its file grew into the last of the disk (`process/confine.ts`).
  if (end.signal === "SIGXFSZ") return new MediaFailure("disk");
  const said = errorLine(end.stderrTail);
  const retryAfter = retryAfterSeconds(end.stderrTail);
  // What it said first; that it ran into our time limit only if it said nothing.
  const rule = findRule(stage, said);
  if (stage === "mux") return rule?.class === "disk" ? new MediaFailure("disk") : muxFailure(end);
  if (rule?.class === "not_begun") return MediaFailure.notBegun(startsInSeconds(plainWords(said)));
  if (rule !== undefined)
    return new MediaFailure(rule.class, rule.text ?? null, rule.class === "rate" ? retryAfter : null);
  if (end.timedOut)
    return new MediaFailure(
      stage === "extract" ? "network" : "timeout",
      stage === "extract" ? "The source site did not answer in time" : null,
    );
  return new MediaFailure("media", said === "" ? null : userText(said));
}

/** The first rule that matches decides: words, then the status of an HTTP error, then what happened to the line. */
function findRule(stage: Stage, said: string): Omit<Rule, "words"> | undefined {
  const words = plainWords(said);
  const matching = (rules: readonly Rule[]) => rules.find((rule) => rule.words.some((one) => one.test(words)));
  const status = httpStatus(said);
  const byStatus = status === null ? undefined : statusRule(status, stage === "extract" ? "page" : "media", words);
  return matching(WORD_RULES) ?? byStatus ?? matching(LINE_RULES);
}

/**
 * Classifies a source's final HTTP status, by the same rules as a tool that reports one.
 *
 * @example classifyStatus("download", 410, null).class // "removed"
 */
export function classifyStatus(
  stage: "extract" | "download",
  status: number,
  retryAfterMs: number | null,
): MediaFailure {
  const wait = retryAfterMs === null ? "" : ` Retry-After: ${Math.ceil(retryAfterMs / 1000)}`;
  return classifyToolFailure(stage, { code: 1, stderrTail: `ERROR: HTTP Error ${status}${wait}` });
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
