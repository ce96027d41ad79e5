/** Picture and sound from two files: how their clocks go together. Pure. */

/** Two files of one recording begin within the same moment; clocks further apart have nothing to do with each other. */
const MAX_APART_SECONDS = 2;

/**
 * When each file begins, in seconds since the media begin. What a site sends apart shares one clock: a picture whose first
 * time stamp is 80 ms (frames that are decoded before they are shown) belongs 80 ms after a sound that begins at 0, and
 * taking both from 0 on would move the lips.
 *
 * @param starts Each file's first time stamp, seconds.
 */
export function fileBegins(starts: readonly number[]): number[] {
  const earliest = Math.min(...starts);
  const apart = Math.max(...starts) - earliest;
  return starts.map((start) => (apart > MAX_APART_SECONDS ? 0 : start - earliest));
}
