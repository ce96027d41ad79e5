/** What yt-dlp's parser itself asks of a value, in its words. */
import { pythonRepr } from "../python-repr.ts";
import { isPythonFloat, isPythonInteger } from "./python-numbers.ts";
import type { ReadOption } from "./read-options.ts";
import type { ShippedOption } from "./shipped-option.ts";

/**
 * @returns the complaint, or null.
 * @example checkValues(option("--socket-timeout", "x")) // "option --socket-timeout: invalid floating-point value: 'x'"
 */
export function checkValues({ option, flag, values }: ReadOption): string | null {
  const [value] = values;
  if (value === undefined) return null;
  if (option.type === "int" && !isPythonInteger(value)) return invalid(flag, "integer", value);
  if (option.type === "float" && !isPythonFloat(value)) return invalid(flag, "floating-point", value);
  if (option.choices !== undefined && !option.choices.includes(value)) {
    const choices = option.choices.map(pythonRepr).join(", ");
    return `option ${flag}: invalid choice: ${pythonRepr(value)} (choose from ${choices})`;
  }
  if (option.keys !== undefined && !new RegExp(`^(?:${option.keys}):`, "i").test(value)) {
    return `wrong ${flag} formatting; it should be ${option.metavar}, not "${value}"`;
  }
  return option.members === undefined ? null : checkMembers(option, flag, value);
}

function invalid(flag: string, kind: string, value: string): string {
  return `option ${flag}: invalid ${kind} value: ${pythonRepr(value)}`;
}

/** A comma list of names, of which a leading minus takes one away. */
function checkMembers(
  { members = [], aliases = {}, metavar }: ShippedOption,
  flag: string,
  value: string,
): string | null {
  const known = new Set([...members, ...Object.keys(aliases), "all"]);
  const stranger = value
    .split(",")
    .map((each) => each.toLowerCase().trim().replace(/^-/, ""))
    .find((each) => !known.has(each));
  return stranger === undefined ? null : `wrong ${metavar} for ${flag}: ${stranger}`;
}
