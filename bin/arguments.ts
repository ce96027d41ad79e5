import { InvalidArgumentError } from "commander";

/** A parser of whole numbers in a range, for commander. Its message completes `option … argument … is invalid.` */
export function integerBetween(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

export const portNumber = integerBetween(0, 65_535);
export const slotCount = integerBetween(1, 1024);

const UNIT_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/** `90s`, `15m`, `1h`, `7d` or plain seconds, as seconds. */
export function durationSeconds(text: string): number {
  const match = /^(\d+)([smhd]?)$/.exec(text);
  const unit = UNIT_SECONDS[match?.[2] || "s"];
  if (match?.[1] === undefined || unit === undefined) throw new InvalidArgumentError("Write it as 90s, 15m, 1h or 7d.");
  return Number(match[1]) * unit;
}

/** http and https only; the edge checks the rest. */
export function httpUrl(text: string): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new InvalidArgumentError("It must be an http or https URL.");
  }
  return text;
}

/** Gathers a repeatable option. */
export function collect(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}
