/** Command lines of users on their way to a node: checked, joined, without what the edge does itself (library API 5.1, 6). */
import { cleanText } from "../../../../shared/clean-text.ts";
import { MAX_ARGUMENTS, MAX_ARGUMENTS_LENGTH } from "../../../../shared/contract/ytdlp-calls.ts";
import { AppError } from "../../../app-error.ts";
import { type Env, urlPolicy } from "../../../env.ts";
import { type CheckedOption, checkCommandLine } from "../../../library/command-line/check.ts";
import { quoteShellWord } from "../../../library/command-line/shell-words.ts";
import { pythonRepr } from "../../../library/python-repr.ts";
import { CONFIG } from "../../../library/wire-names.ts";

/** Longest complaint of a parser that is shown. */
const MAX_REASON = 2_000;
/** Whether a source was downloaded before is the edge's question: yt-dlp is given no file. */
const ARCHIVE_OPTIONS = new Set(["--download-archive", "--no-download-archive", "--force-write-archive"]);

/** 400 for what stands in a command line. */
export class OptionsRefused extends AppError {}

export interface CommandLineArguments {
  /** Whole names, each followed by its values; without what was dropped. */
  args: string[];
  /** As `args`, without the archive: for a node that looks or downloads. */
  nodeArgs: string[];
  /** As `args`, with the output template and the folders: for yt-dlp's parser, which tells them apart. */
  parseArgs: string[];
  /** Names of what was dropped, each once. */
  removed: string[];
  /** Name of the archive in force. */
  archive: string | null;
}

/** @throws OptionsRefused */
export function readCommandLine(text: string, env: Env): CommandLineArguments {
  return mergeCommandLine([text], env);
}

/**
 * Several texts behind one another, as the preset's and the item's.
 *
 * @throws OptionsRefused
 */
export function mergeCommandLine(texts: readonly string[], env: Env): CommandLineArguments {
  const policy = urlPolicy(env);
  const options: CheckedOption[] = [];
  const ignored: CheckedOption[] = [];
  for (const text of texts) {
    if (text.length > MAX_ARGUMENTS_LENGTH) throw badOptions(`Longer than ${MAX_ARGUMENTS_LENGTH} characters`);
    const line = checkCommandLine(text, policy);
    if (!line.ok)
      throw line.reason === "refused" ? new OptionsRefused("invalid", line.message) : badOptions(line.message);
    options.push(...line.options);
    ignored.push(...line.ignored);
  }
  const placed = ignored.filter(({ name }) => name === "--output" || name === "--paths");
  const args = words(options);
  const parseArgs = [...args, ...words(placed)];
  if (parseArgs.length > MAX_ARGUMENTS || parseArgs.join("").length > MAX_ARGUMENTS_LENGTH) {
    throw badOptions(`More than ${MAX_ARGUMENTS} arguments, or ${MAX_ARGUMENTS_LENGTH} characters`);
  }
  return {
    args,
    nodeArgs: words(options.filter(({ name }) => !ARCHIVE_OPTIONS.has(name))),
    parseArgs,
    removed: [...new Set(ignored.map(({ name }) => name))],
    archive: archiveIn(options),
  };
}

/** The archive that a command line names; null for none, and for a line that is none any more. */
export function archiveOf(text: string, env: Env): string | null {
  const line = checkCommandLine(text, urlPolicy(env));
  return line.ok ? archiveIn(line.options) : null;
}

/** The last word counts. Archives are named by the last segment of the path. */
function archiveIn(options: readonly CheckedOption[]): string | null {
  const last = options.findLast(({ name }) => name === "--download-archive" || name === "--no-download-archive");
  if (last?.name !== "--download-archive") return null;
  const name = last.values[0]?.split("/").findLast((part) => part !== "");
  return name === undefined || name === "." || name === ".." ? null : name;
}

/** How an archive is called wherever a file is told. */
export function archiveFile(name: string): string {
  return `${CONFIG}/${name}`;
}

/** @param reason The parser's last line, with a capital; a node's text is cleaned here. */
export function badOptions(reason: string): OptionsRefused {
  const text = cleanText(reason, { max: MAX_REASON, keepToolName: true });
  return new OptionsRefused("invalid", `Failed to parse command options for yt-dlp. ${pythonRepr(text)}.`);
}

/** For a shell, as `shlex.join` does. */
export function quoteArguments(args: readonly string[]): string {
  return args.map(quoteShellWord).join(" ");
}

function words(options: readonly CheckedOption[]): string[] {
  return options.flatMap(({ name, values }) => [name, ...values]);
}
