/** What a clip of marked media must be, from what its source is. */
import { expect } from "vitest";
import type { Cut } from "./cut.ts";
import type { Measured } from "./measure.ts";

/** Of the three decimals that a clip has. */
const SAME_TIME_SECONDS = 0.0005;
/** A container that counts in milliseconds, twice rounded. */
const FRAME_TOLERANCE_SECONDS = 0.003;
/** A sound that begins with an encoder's own samples moves all of a file by them (Opus: 7 ms). */
const FIRST_FRAME_TOLERANCE_SECONDS = 0.01;
/** Sound against picture, at both ends. */
const SYNC_TOLERANCE_SECONDS = 0.04;
/** A clip that begins inside a beep begins with the rest of it. */
const BEEP_SECONDS = 0.06;

export function judge(source: Measured, cut: Cut, range: { start: number; end: number }): void {
  expect(cut.complaints).toBe("");
  expect(cut.unordered).toBe(0);
  const wanted = source.frames.filter(({ time }) => {
    const at = time - source.start;
    return at >= range.start - SAME_TIME_SECONDS && at < range.end - SAME_TIME_SECONDS;
  });
  expect(cut.frames.map(({ number }) => number)).toEqual(wanted.map(({ number }) => number));
  const late = cut.frames.map(({ time }, at) => time - ((wanted[at]?.time ?? 0) - source.start - range.start));
  expect(Math.abs(late[0] ?? 0)).toBeLessThan(FIRST_FRAME_TOLERANCE_SECONDS);
  for (const one of late) expect(Math.abs(one - (late[0] ?? 0))).toBeLessThan(FRAME_TOLERANCE_SECONDS);
  judgeSound(source, cut, range);
}

/** Every beep of the source that lies within is there, at its place. */
export function judgeSound(source: Measured, cut: Cut, range: { start: number; end: number }): void {
  const due = source.beeps
    .map((beep) => beep - source.start - range.start)
    .filter((beep) => beep >= 0 && beep < range.end - range.start - SYNC_TOLERANCE_SECONDS);
  const heard = cut.beeps.filter((beep) => beep > BEEP_SECONDS || due.some((one) => one <= BEEP_SECONDS));
  for (const beep of due) {
    expect(Math.min(...heard.map((one) => Math.abs(one - beep)))).toBeLessThan(SYNC_TOLERANCE_SECONDS);
  }
}
