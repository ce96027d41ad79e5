/** SubRip: numbered blocks, times with a comma; in the wild also with a point, without numbers, with some HTML. */
import { type Cue, inOrder, payload } from "./cues.ts";

const TIMES =
  /^\s*(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->\s*(\d{1,3}):(\d{1,2}):(\d{1,2})[,.](\d{1,3})(?:\s.*)?$/;

/** @param text with `\n` line ends. */
export function parseSrt(text: string): Cue[] {
  const lines = text.split("\n");
  const starts = lines.flatMap((line, at) => (TIMES.test(line) ? [at] : []));
  const cues = starts.map((at, index): Cue => {
    const match = (TIMES.exec(lines[at] ?? "") ?? []).map(String);
    const next = starts[index + 1] ?? lines.length;
    const body = lines.slice(at + 1, next);
    // The next block's number stands before its times.
    if (next < lines.length && /^\s*\d+\s*$/.test(body.at(-1) ?? "")) body.pop();
    return {
      start: seconds(match.slice(1, 5)),
      end: seconds(match.slice(5, 9)),
      text: markup(body.join("\n")),
      settings: "",
    };
  });
  return inOrder(cues);
}

function seconds([hours = "0", minutes = "0", whole = "0", fraction = "0"]: readonly string[]): number {
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(whole) + Number(fraction.padEnd(3, "0")) / 1000;
}

const KEPT_TAG = /^<\/?[biu]>$/i;

/** Bold, italic and underlined are WebVTT's too; other tags and SSA overrides (`{\an8}`) go, the rest are words. */
function markup(text: string): string {
  const parts = text.replace(/\{\\[^{}]*\}/g, "").split(/(<\/?[A-Za-z][^<>]*>)/);
  const kept = parts.map((part, index) => {
    if (index % 2 === 1) return KEPT_TAG.test(part) ? part.toLowerCase() : "";
    return part
      .replace(/&(?!(?:amp|lt|gt|nbsp|lrm|rlm|#\d+);)/g, "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;");
  });
  return payload(kept.join(""));
}
