/** Cron expressions of the library API (sections 8.1 and 8.7 there): five fields, read by croner. */
import { CronPattern } from "croner";

/** What is wrong with an expression; null: nothing. Croner alone would take dates, seconds and `@daily` too. */
export function cronFault(text: string): string | null {
  if (text.trim().split(/\s+/).length !== 5) return "Wrong number of fields";
  try {
    new CronPattern(text.trim());
    return null;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replace(/^CronPattern: /, "");
  }
}

/** Whether it is the name of a time zone; an offset (`+01:00`) is none, though `Intl` takes it. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
