/** SubStation Alpha, both versions (`.ssa`, `.ass`): the words and their times; colours and places are left behind. */
import { type Cue, inOrder, plainPayload } from "./cues.ts";

const DEFAULT_COLUMNS = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"];

/** @param text with `\n` line ends. */
export function parseSsa(text: string): Cue[] {
  const cues: Cue[] = [];
  let columns = DEFAULT_COLUMNS;
  let inEvents = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("[")) inEvents = /^\[events\]/i.test(line);
    if (!inEvents) continue;
    const [, kind, rest = ""] = /^(Format|Dialogue):\s*(.*)$/i.exec(line) ?? [];
    if (kind?.toLowerCase() === "format") columns = rest.split(",").map((name) => name.trim().toLowerCase());
    if (kind?.toLowerCase() === "dialogue") cues.push(...dialogue(rest, columns));
  }
  return inOrder(cues);
}

function dialogue(line: string, columns: readonly string[]): Cue[] {
  // The text is the last column and may hold commas.
  const fields = line.split(",");
  const value = (name: string): string => {
    const at = columns.indexOf(name);
    if (at < 0) return "";
    return (at === columns.length - 1 ? fields.slice(at).join(",") : (fields[at] ?? "")).trim();
  };
  const [start, end] = [seconds(value("start")), seconds(value("end"))];
  const raw = value("text");
  // Drawings are numbers in the place of words.
  if (start === null || end === null || /\{[^{}]*\\p[1-9]/.test(raw)) return [];
  // Up to the next brace of either kind: to a closing one alone, a line of opening ones would take the square of its length.
  const words = raw
    .replace(/\{[^{}]*\}/g, "")
    .replace(/\\[Nn]/g, "\n")
    .replace(/\\h/g, "\u00a0");
  return [{ start, end, text: plainPayload(words), settings: "" }];
}

/** `0:01:02.34`. */
function seconds(text: string): number | null {
  const match = /^(\d{1,3}):(\d{2}):(\d{2})[.:](\d{2,3})$/.exec(text);
  if (match === null) return null;
  const [, hours, minutes, whole, fraction = "0"] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(whole) + Number(fraction) / 10 ** fraction.length;
}
