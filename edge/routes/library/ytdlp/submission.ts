/** A submission as it may come (library API 3.4), read for the routes that only look at one. */

import { AppError } from "../../../app-error.ts";
import type { Env } from "../../../env.ts";
import { urlFault } from "../../../library/urls.ts";

const VIDEO_ID = /^[A-Za-z0-9_-]{11}$/;
/** yt-dlp's search prefixes: `ytsearch5:cats`, `scsearchall:…`. */
const SEARCH = /^[a-z0-9.]*search(?:\d+|all|date\d*|dateall)?:./i;

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

/** Anything but a text is ignored. */
function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}
