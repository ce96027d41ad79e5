/** The field `cli` of presets, conditions and tasks (library API 5.1, 7.2). */
import { urlPolicy } from "../../env.ts";
import { checkCommandLine } from "../command-line/check.ts";
import { type Check, storable } from "./checks.ts";

/**
 * Kept as it was written, trimmed: a template for command lines, read again when one is made. What is refused is refused
 * by the shipped list of options, so that an answer does not depend on which node is online.
 */
export const cliText: Check<string> = (value, place) => {
  if (value === null) return "";
  if (typeof value !== "string") return place.fail("CLI must be a string.");
  const cli = storable(value).trim();
  const read = checkCommandLine(cli, urlPolicy(place.deps.env));
  if (read.ok) return cli;
  return place.fail(read.reason === "refused" ? read.message : `Invalid command options for yt-dlp: ${read.usage}`);
};
