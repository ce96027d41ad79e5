/**
 * A server's clock, as its own answers tell it (`Date`). SigV4 refuses what is 15 minutes off, and a URL of 15 minutes
 * signed by a clock that is ten behind lives for five. Remembered by origin for the isolate's life: a URL is signed
 * without asking anybody.
 */
const offsets = new Map<string, number>();
const MAX_ORIGINS = 1_000;
/** `Date` has whole seconds, and an answer takes a while. */
export const CLOCK_TOLERANCE_MS = 5_000;
/** Servers allow for 5 to 15 minutes. */
const REFUSED_MS = 4 * 60_000;

/** By how much the server is ahead of us. */
export function clockOffset(origin: string): number {
  return offsets.get(origin) ?? 0;
}

/** Takes note of an answer's `Date`. True: the request was signed for so different a time that it may be refused for it. */
export function noteClock(origin: string, date: string | null, now: number): boolean {
  const theirs = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(theirs)) return false;
  const before = clockOffset(origin);
  const offset = theirs - now;
  if (Math.abs(offset) <= CLOCK_TOLERANCE_MS) offsets.delete(origin);
  else {
    if (offsets.size >= MAX_ORIGINS) offsets.clear();
    offsets.set(origin, offset);
  }
  return Math.abs(offset - before) > REFUSED_MS;
}
