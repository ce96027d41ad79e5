/** The options of a `cli`, checked at the edge with the shipped list (library API 3.4, 5.1). */
import type { UrlPolicy } from "../../../shared/url-guard.ts";
import { checkValues } from "./check-values.ts";
import { readCliText } from "./cli-text.ts";
import { classOf, type OptionClass } from "./option-classes.ts";
import { nameOf } from "./option-names.ts";
import { type Complaint, type ReadOption, readOptions } from "./read-options.ts";
import { notAllowed, refuseValues } from "./refuse-values.ts";
import { ShellWordsError, splitShellWords } from "./shell-words.ts";

/** An option by its one name, however it was spelt. `[name, ...values]` is read as this option by any version of yt-dlp. */
export interface CheckedOption {
  name: string;
  values: readonly string[];
  class: OptionClass;
}

export type CommandLine =
  | {
      ok: true;
      /** What yt-dlp is to be given. The text itself must not go to it: an abbreviation may be another option there. */
      options: CheckedOption[];
      /** What was dropped: `--output` and `--paths` tell `convert` its template and folder. */
      ignored: CheckedOption[];
      /** The names of those, each once. */
      removedOptions: string[];
    }
  | {
      ok: false;
      /** Refused by our rules, or unreadable to yt-dlp's parser: routes put other words before the two. */
      reason: "refused" | "unreadable";
      /** `Option '--exec' is not allowed.` as it is; or a complaint as `No such option: --nope`. */
      message: string;
      /** yt-dlp's whole answer to what it cannot read; of a refusal the message. */
      usage: string;
    };

/**
 * Reads the text of a `cli`. A refused option anywhere in it, in any spelling, comes before any complaint.
 *
 * @example checkCommandLine("-x -o a", policy) // ok, options: --extract-audio, removedOptions: ["--output"]
 * @example checkCommandLine("--exe rm", policy).message // "Option '--exec' is not allowed."
 */
export function checkCommandLine(text: string, policy: UrlPolicy): CommandLine {
  let words: string[];
  try {
    words = splitShellWords(readCliText(text));
  } catch (error) {
    if (!(error instanceof ShellWordsError)) throw error;
    return { ok: false, reason: "unreadable", message: error.message, usage: error.message };
  }
  const found = readOptions(words);
  const refusal = firstRefusal(found, policy);
  if (refusal !== null) return { ok: false, reason: "refused", message: refusal, usage: refusal };
  const complaint = firstComplaint(found);
  if (complaint !== null) return unreadable(complaint);
  const checked = found.filter(isOption).map(toChecked);
  const ignored = checked.filter((option) => option.class === "ignored");
  return {
    ok: true,
    options: checked.filter((option) => option.class !== "ignored"),
    ignored,
    removedOptions: [...new Set(ignored.map(({ name }) => name))],
  };
}

function isOption(found: ReadOption | Complaint): found is ReadOption {
  return "option" in found;
}

function toChecked({ option, values }: ReadOption): CheckedOption {
  return { name: nameOf(option), values, class: classOf(option) };
}

function firstRefusal(found: readonly (ReadOption | Complaint)[], policy: UrlPolicy): string | null {
  for (const each of found) {
    const refusal = isOption(each) ? refusalOf(each, policy) : refusalOfName(each);
    if (refusal !== null) return refusal;
  }
  return null;
}

function refusalOf({ option, values }: ReadOption, policy: UrlPolicy): string | null {
  const name = nameOf(option);
  return classOf(option) === "refused" ? notAllowed(name) : refuseValues(name, values, policy);
}

/** An abbreviation of nothing but refused options is refused: `--exe` may be `--exec` or `--exec-before-download`. */
function refusalOfName({ possible: [first, ...others] }: Complaint): string | null {
  const refused = first !== undefined && [first, ...others].every((option) => classOf(option) === "refused");
  return refused ? notAllowed(nameOf(first)) : null;
}

/** yt-dlp reads a line twice, and overlooks unknown names the first time: of those it complains last. */
function firstComplaint(found: readonly (ReadOption | Complaint)[]): string | null {
  let unknown: string | null = null;
  for (const each of found) {
    if (isOption(each)) {
      // What is dropped is not read.
      const complaint = classOf(each.option) === "ignored" ? null : checkValues(each);
      if (complaint !== null) return complaint;
    } else if (!each.unknown) return each.text;
    else unknown ??= each.text;
  }
  return unknown;
}

function unreadable(text: string): CommandLine {
  const complaint = text.trim();
  return {
    ok: false,
    reason: "unreadable",
    message: complaint.charAt(0).toUpperCase() + complaint.slice(1),
    usage: `Usage: yt-dlp [OPTIONS] URL [URL...]\n\nyt-dlp: error: ${complaint}`,
  };
}
