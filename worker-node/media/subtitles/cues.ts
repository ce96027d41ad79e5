/** The cue as all subtitle formats have it, and what a job does to cues: move, cut, write as WebVTT. Pure. */

export interface Cue {
  /** Seconds. */
  start: number;
  end: number;
  /** Payload in WebVTT's own mark-up, one or more lines, none of them blank. */
  text: string;
  /** What follows the times on a cue's line (`align:start position:0%`); empty for none. */
  settings: string;
}

export interface Subtitles {
  cues: Cue[];
  /** `STYLE` and `REGION` blocks of a WebVTT source, as they were. */
  blocks: string[];
  /** `X-TIMESTAMP-MAP` of HLS: seconds on the media's own clock at cue time 0; null without one. */
  mediaTimeAtZero: number | null;
}

/** More than any film has; a file with more is no subtitle. */
const MAX_CUES = 100_000;
const INNER_TIME = /<((?:\d{2,}:)?\d{2}:\d{2}\.\d{3})>/g;

/** Moves cues in time; what lies before 0 afterwards is cut off. Times inside a payload (karaoke) move along. */
export function shiftCues(cues: readonly Cue[], by: number): Cue[] {
  if (by === 0) return [...cues];
  const moved = cues.map((cue) => ({
    ...cue,
    start: cue.start + by,
    end: cue.end + by,
    text: cue.text.replace(INNER_TIME, (whole, time: string) => {
      const seconds = parseVttTime(time);
      return seconds === null ? whole : `<${vttTime(Math.max(0, seconds + by))}>`;
    }),
  }));
  return moved.filter((cue) => cue.end > 0).map((cue) => ({ ...cue, start: Math.max(0, cue.start) }));
}

/**
 * Cuts cues like the media (jobs API 11.5): a cue that reaches over an end of the clip is shortened, and the clip's
 * start becomes 0.
 *
 * @param end null: to the end of the media.
 */
export function cutCues(cues: readonly Cue[], start: number, end: number | null): Cue[] {
  const last = end ?? Number.POSITIVE_INFINITY;
  const inside = cues
    .filter((cue) => cue.start < last && cue.end > start)
    .map((cue) => ({ ...cue, end: Math.min(cue.end, last) }));
  return shiftCues(inside, -start);
}

/** The file that is delivered. */
export function toWebVtt(cues: readonly Cue[], blocks: readonly string[] = []): string {
  const parts = cues.map(
    ({ start, end, text, settings }) =>
      `${vttTime(start)} --> ${vttTime(end)}${settings === "" ? "" : ` ${settings}`}\n${text}`,
  );
  return `${["WEBVTT", ...blocks, ...parts].join("\n\n")}\n`;
}

/** `00:01:02.345`. */
function vttTime(seconds: number): string {
  const thousandths = Math.round(seconds * 1000);
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const [hours, minutes, rest] = [
    thousandths / 3_600_000,
    (thousandths % 3_600_000) / 60_000,
    (thousandths % 60_000) / 1000,
  ];
  return `${two(hours)}:${two(minutes)}:${two(rest)}.${String(thousandths % 1000).padStart(3, "0")}`;
}

/** Reads WebVTT's own form of a time, hours optional; null for anything else. */
export function parseVttTime(text: string): number | null {
  const match = /^(?:(\d{2,}):)?(\d{2}):(\d{2})\.(\d{3})$/.exec(text);
  if (match === null) return null;
  const [, hours = "0", minutes, seconds, thousandths] = match;
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(thousandths) / 1000;
}

/** A payload of plain words: what WebVTT would read as mark-up is escaped, blank lines go. */
export function plainPayload(text: string): string {
  return payload(text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;"));
}

/** A blank line would end the cue. */
export function payload(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trimEnd())
    .filter((line) => line.trim() !== "")
    .join("\n");
}

/** Drops what no player can show, and puts the rest in order: WebVTT wants rising starts. */
export function inOrder(cues: readonly Cue[]): Cue[] {
  return cues
    .filter((cue) => cue.text !== "" && cue.end > cue.start && cue.start >= 0)
    .toSorted((a, b) => a.start - b.start)
    .slice(0, MAX_CUES);
}
