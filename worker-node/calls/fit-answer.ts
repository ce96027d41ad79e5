/** Keeps an answer under the size that the edge takes. */
import type { CallAnswer, ExpandResult } from "../../shared/contract/calls.ts";
import { MAX_CALL_ANSWER_BYTES } from "../../shared/limits.ts";
import { clip } from "../media/tolerant.ts";

/** What a description is cut to before it goes altogether. */
const SHORT_DESCRIPTION_LENGTH = 500;

/**
 * The most dispensable goes first: long descriptions, all descriptions, then entries from the end, which the answer
 * then says (`truncated`).
 */
export function fitAnswer(answer: CallAnswer, maxBytes: number = MAX_CALL_ANSWER_BYTES): CallAnswer {
  if (!answer.ok || answer.result.kind !== "expand" || bytesOf(answer) <= maxBytes) return answer;
  const { result } = answer;
  const short = describedBy(result, (text) => (text === null ? null : clip(text, SHORT_DESCRIPTION_LENGTH)));
  if (bytesOf({ ok: true, result: short }) <= maxBytes) return { ok: true, result: short };
  const bare = describedBy(result, () => null);
  let left = maxBytes - bytesOf({ ok: true, result: { ...bare, entries: [], truncated: true } });
  const fits = bare.entries.findIndex((entry) => {
    // The comma between two entries, too.
    left -= Buffer.byteLength(JSON.stringify(entry)) + 1;
    return left < 0;
  });
  if (fits === -1) return { ok: true, result: bare };
  return { ok: true, result: { ...bare, entries: bare.entries.slice(0, fits), truncated: true } };
}

function describedBy(result: ExpandResult, change: (text: string | null) => string | null): ExpandResult {
  const entries = result.entries.map((entry) => ({ ...entry, description: change(entry.description) }));
  return { ...result, entries };
}

function bytesOf(answer: CallAnswer): number {
  return Buffer.byteLength(JSON.stringify(answer));
}
