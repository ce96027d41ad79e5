/** Keeps an answer under the size that the edge takes. */
import type { CallAnswer, ExpandResult } from "../../shared/contract/calls.ts";
import type { InfoResult } from "../../shared/contract/ytdlp-calls.ts";
import { MAX_CALL_ANSWER_BYTES } from "../../shared/limits.ts";
import { clip } from "../media/tolerant.ts";

/** What a description is cut to before it goes altogether. */
const SHORT_DESCRIPTION_LENGTH = 500;

/** The most dispensable goes first, and the answer says so (`truncated`, `left_out`). */
export function fitAnswer(answer: CallAnswer, maxBytes: number = MAX_CALL_ANSWER_BYTES): CallAnswer {
  if (!answer.ok || bytesOf(answer) <= maxBytes) return answer;
  const { result } = answer;
  if (result.kind === "expand") return fitList(result, maxBytes);
  return result.kind === "info" ? fitInfo(result, maxBytes) : answer;
}

/** Long descriptions, all descriptions, then entries from the end. */
function fitList(result: ExpandResult, maxBytes: number): CallAnswer {
  const short = describedBy(result, (text) => (text === null ? null : clip(text, SHORT_DESCRIPTION_LENGTH)));
  if (bytesOf({ ok: true, result: short }) <= maxBytes) return { ok: true, result: short };
  const bare = describedBy(result, () => null);
  const frame = bytesOf({ ok: true, result: { ...bare, entries: [], truncated: true } });
  const entries = firstThatFit(bare.entries, maxBytes - frame);
  return { ok: true, result: { ...bare, entries, truncated: entries.length < bare.entries.length } };
}

function describedBy(result: ExpandResult, change: (text: string | null) => string | null): ExpandResult {
  const entries = result.entries.map((entry) => ({ ...entry, description: change(entry.description) }));
  return { ...result, entries };
}

/**
 * What of an info repeats something else, or can be had in another way, the largest of a site first: a stream in pieces
 * names thousands of them, a large site translates its captions into 150 languages.
 */
const DISPENSABLE: readonly [key: string, drop: (info: Info) => Info][] = [
  ["formats.fragments", (info) => ({ ...info, formats: eachWithout(info.formats, "fragments") })],
  ["fragments", (info) => without(info, "fragments")],
  ...["requested_formats", "comments", "automatic_captions", "heatmap", "subtitles", "thumbnails"].map(
    (key): [string, (info: Info) => Info] => [key, (info) => without(info, key)],
  ),
];

type Info = Record<string, unknown>;

/** Whole keys, then entries of a list from the end. What is too large even so is no answer. */
function fitInfo(result: InfoResult, maxBytes: number): CallAnswer {
  let now = result;
  for (const [key, drop] of DISPENSABLE) {
    const { info } = now;
    if (info === null) break;
    const less = drop(info);
    if (bytesOf(less) === bytesOf(info)) continue;
    now = { ...now, info: less, left_out: [...now.left_out, key] };
    if (bytesOf({ ok: true, result: now }) <= maxBytes) return { ok: true, result: now };
  }
  const { info } = now;
  if (info !== null && Array.isArray(info.entries)) {
    const left_out = [...now.left_out, "entries"];
    const frame = bytesOf({ ok: true, result: { ...now, info: { ...info, entries: [] }, left_out } });
    if (frame <= maxBytes) {
      const entries = firstThatFit(info.entries, maxBytes - frame);
      return { ok: true, result: { ...now, info: { ...info, entries }, left_out } };
    }
  }
  return { ok: false, class: "unsupported", message: "The page describes too many items" };
}

function without(info: Info, key: string): Info {
  const { [key]: _, ...rest } = info;
  return rest;
}

function eachWithout(list: unknown, key: string): unknown {
  if (!Array.isArray(list)) return list;
  return list.map((one) => (typeof one === "object" && one !== null ? without(one as Info, key) : one));
}

function firstThatFit<Item>(items: readonly Item[], maxBytes: number): Item[] {
  let left = maxBytes;
  const fits = items.findIndex((item) => {
    // The comma between two of them, too.
    left -= bytesOf(item) + 1;
    return left < 0;
  });
  return items.slice(0, fits === -1 ? items.length : fits);
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}
