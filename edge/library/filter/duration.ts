/** Durations in seconds, in the spellings of library API 12.2. */

const CLOCK = /^(?:(?:(?<days>[0-9]+):)?(?<hours>[0-9]+):)?(?<minutes>[0-9]+):(?<seconds>[0-9]{1,2}(?:\.[0-9]+)?)z?$/i;
const SECONDS = /^(?<seconds>[0-9]+(?:\.[0-9]+)?)z?$/i;
/** `1h 2m 3.5s`, `P1DT2H`: days only between P and T. */
const UNITS =
  /^(?:p(?:(?<days>[0-9]+)\s*d(?:ays?)?,?\s*)?t)?(?:(?<hours>[0-9]+)\s*h(?:(?:ou)?rs?)?,?\s*)?(?:(?<minutes>[0-9]+)\s*m(?:in(?:ute)?s?)?,?\s*)?(?:(?<seconds>[0-9]+(?:\.[0-9]+)?)\s*s(?:ec(?:ond)?s?)?\s*)?z?$/i;
const DECIMAL =
  /^(?:(?<hours>[0-9]+(?:\.[0-9]+)?)\s*hours?|(?<minutes>[0-9]+(?:\.[0-9]+)?)\s*(?:mins?|minutes?))\s*z?$/i;

const SECONDS_PER = { days: 86_400, hours: 3600, minutes: 60, seconds: 1 } as const;

/** @example readDuration("3m2s") // 182 */
export function readDuration(text: string): number | null {
  const trimmed = text.trim();
  for (const form of [CLOCK, SECONDS, UNITS, DECIMAL]) {
    const groups = form.exec(trimmed)?.groups;
    if (groups === undefined) continue;
    const parts = Object.entries(SECONDS_PER).flatMap(([name, factor]) => {
      const digits = groups[name];
      return digits === undefined ? [] : [Number(digits) * factor];
    });
    // Every unit is optional, so that `Z` alone fits the form too: it is a text.
    return parts.length === 0 ? null : parts.reduce((sum, part) => sum + part);
  }
  return null;
}
