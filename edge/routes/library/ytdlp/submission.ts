/** A submission as it may come (library API 3.4), read for the routes that only look at one. */

import { AppError } from "../../../app-error.ts";
import { type Env, urlPolicy } from "../../../env.ts";
import { checkCommandLine } from "../../../library/command-line/check.ts";
import { urlFault } from "../../../library/urls.ts";

const VIDEO_ID = /^[A-Za-z0-9_-]{11}$/;
/** yt-dlp's search prefixes: `ytsearch5:cats`, `scsearchall:…`. */
const SEARCH = /^[a-z0-9.]*search(?:\d+|all|date\d*|dateall)?:./i;

const MIN_CLI = 3;

export interface Submission {
  url: string;
  folder: string;
  cookies: string;
  template: string;
  cli: string;
}

/** @throws AppError 400 */
export function readSubmission(body: Record<string, unknown>, env: Env): Submission {
  return {
    url: readUrl(body.url, env),
    folder: textOr(body.folder),
    cookies: textOr(body.cookies),
    template: textOr(body.template),
    cli: textOr(body.cli),
  };
}

function readUrl(value: unknown, env: Env): string {
  const text = typeof value === "string" ? value.trim() : "";
  if (text === "") throw new AppError("invalid", "url param is required.");
  if (VIDEO_ID.test(text)) return `https://www.youtube.com/watch?v=${text}`;
  if (SEARCH.test(text)) return text;
  const fault = urlFault(text, env);
  if (fault !== null) throw new AppError("invalid", fault);
  return text;
}

/**
 * The command line that counts: one of two characters says nothing.
 *
 * @throws AppError 400 with yt-dlp's whole answer to what it cannot read.
 */
export function itemCli({ cli }: Submission, env: Env): string {
  if (cli.length < MIN_CLI) return "";
  const line = checkCommandLine(cli, urlPolicy(env));
  if (line.ok) return cli;
  const text = line.reason === "refused" ? line.message : `Failed to parse command options for yt-dlp. ${line.usage}`;
  throw new AppError("invalid", text);
}

/** Anything but a text is ignored. */
function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}
