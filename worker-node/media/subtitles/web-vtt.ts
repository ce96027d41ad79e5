/** WebVTT, as a file or as the joined segments of an HLS track (RFC 8216, 3.5: `X-TIMESTAMP-MAP`). */
import { type Cue, inOrder, parseVttTime, payload, type Subtitles } from "./cues.ts";

const TIMES = /^\s*((?:\d{2,}:)?\d{2}:\d{2}\.\d{3})\s+-->\s+((?:\d{2,}:)?\d{2}:\d{2}\.\d{3})(?:\s+(.*))?$/;
/** Ticks a second of the MPEG clock. */
const MPEG_HERTZ = 90_000;

/** @param text with `\n` line ends. Null when it does not begin as WebVTT must. */
export function parseWebVtt(text: string): Subtitles | null {
  if (!/^WEBVTT(?:[ \t\n]|$)/.test(text)) return null;
  const [header = "", ...parts] = text.split(/\n{2,}/);
  const cues: Cue[] = [];
  const blocks: string[] = [];
  // A header may run into the first cue without a blank line between them.
  const glued = header.split("\n").findIndex((line) => TIMES.test(line));
  for (const part of glued < 0 ? parts : [header.split("\n").slice(glued).join("\n"), ...parts]) {
    const cue = parseCue(part);
    if (cue !== null) cues.push(cue);
    else if (/^(?:STYLE|REGION)\s*\n/.test(part) && cues.length === 0) blocks.push(part.trimEnd());
  }
  return { cues: inOrder(cues), blocks, mediaTimeAtZero: timestampMap(header) };
}

function parseCue(block: string): Cue | null {
  const lines = block.split("\n");
  // A name may stand above the times; nothing else may.
  const at = lines.slice(0, 2).findIndex((line) => TIMES.test(line));
  const match = TIMES.exec(lines[at] ?? "");
  const [start, end] = [parseVttTime(match?.[1] ?? ""), parseVttTime(match?.[2] ?? "")];
  if (start === null || end === null) return null;
  const text = payload(
    lines
      .slice(at + 1)
      .filter((line) => !line.includes("-->"))
      .join("\n"),
  );
  return { start, end, text, settings: (match?.[3] ?? "").trim() };
}

/** `X-TIMESTAMP-MAP=MPEGTS:126000,LOCAL:00:00:00.000`, its two parts in any order. */
function timestampMap(header: string): number | null {
  const line = header.split("\n").find((one) => one.startsWith("X-TIMESTAMP-MAP="));
  if (line === undefined) return null;
  const ticks = /\bMPEGTS:(\d{1,15})/.exec(line)?.[1];
  const local = parseVttTime(/\bLOCAL:([\d:.]+)/.exec(line)?.[1] ?? "");
  return ticks === undefined || local === null ? null : Number(ticks) / MPEG_HERTZ - local;
}

/** The MPEG clock has 33 bits: it starts again after 26.5 hours. */
const MPEG_WRAP_SECONDS = 2 ** 33 / MPEG_HERTZ;

/**
 * By how much the cues of a mapped track move, so that their 0 is the first moment of the media.
 *
 * @param mediaStart the time of the media's first packet on the same clock.
 */
export function mapOffset(mediaTimeAtZero: number, mediaStart: number): number {
  const offset = mediaTimeAtZero - mediaStart;
  return offset - Math.round(offset / MPEG_WRAP_SECONDS) * MPEG_WRAP_SECONDS;
}
