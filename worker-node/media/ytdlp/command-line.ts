/** The `YtDlp` port by the plain command line: one process per call. It is what a frozen binary can do, too. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type RunResult, runTool } from "../../process/run.ts";
import type { YtDlpTool } from "../../tools.ts";
import { withOwnCookies } from "../cookies.ts";
import { abortFailure, MediaFailure, sizeFailure } from "../failure.ts";
import { classifyToolFailure } from "../failures.ts";
import { toSourceInfo } from "../source.ts";
import { commonArguments, downloadArguments, extractArguments, PROGRESS_MARK, sideFileArguments } from "./arguments.ts";
import { isList, toEntries } from "./entries.ts";
import type {
  DescribeRequest,
  Downloaded,
  DownloadRequest,
  Extracted,
  ExtractRequest,
  YtDlp,
  YtDlpContext,
} from "./port.ts";
import { parseProgress } from "./progress.ts";
import { askQuestion, type RunQuestion } from "./questions/ask.ts";
import { questionsSource } from "./questions/source.ts";
import { saveInfo, writeFormatRequest, writeSubtitleRequest, writeThumbnailRequest } from "./request-info.ts";

/** The largest answer to one look; a long list of a large site is 5 MB. */
export const MAX_INFO_BYTES = 48 * 1024 * 1024;
/** One look at a source, its own retries included. */
export const EXTRACT_TIMEOUT_MS = 3 * 60_000;
const SIDE_FILE_TIMEOUT_MS = 60_000;
const MAX_SIDE_FILE_BYTES = 16 * 1024 * 1024;
/**
 * For one yt-dlp, or the JavaScript runtime that it starts. A look takes 0.1 GiB; what takes ten times that is a page made
 * to: 200 KB of gzip that unpack to a page of 200 MB, a playlist of three million segments.
 */
export const YTDLP_MEMORY_BYTES = 1.5 * 1024 ** 3;
export const RETRY_LINE = /\bRetrying\b.*\(\d+\/\d+\)/;

/** How one set of arguments is run; the two adapters differ in nothing else. */
export type Run = (
  args: string[],
  context: YtDlpContext,
  more: Partial<Parameters<typeof runTool>[1]>,
) => Promise<RunResult>;

/** Without the empty entry, which is the folder of the attempt, full of a stranger's files. */
const QUESTION_PROGRAM = `import sys
sys.path[:] = [path for path in sys.path if path]
${questionsSource}
sys.exit(main(sys.argv[1:]))`;

/**
 * @example
 * const ytdlp = commandLineYtDlp(tools.ytdlp, tools.jsRuntime);
 * const found = await ytdlp.extract({ url, playlist: "auto", listLimit: 500 }, context);
 */
export function commandLineYtDlp(tool: YtDlpTool, jsRuntime: string): YtDlp {
  const { python } = tool;
  const start = (command: readonly string[], context: YtDlpContext, more: Parameters<Run>[2]): Promise<RunResult> =>
    runTool(command, {
      dir: context.dir,
      env: tool.env,
      signal: context.signal,
      groups: context.groups,
      memoryBytes: YTDLP_MEMORY_BYTES,
      ...more,
    });
  return ytDlpByArguments("command-line", tool, jsRuntime, {
    run: (args, context, more) => start([...tool.command, ...args], context, more),
    runQuestion:
      python === null ? null : (file, context, more) => start([python, "-c", QUESTION_PROGRAM, file], context, more),
  });
}

/** The port, on top of something that runs yt-dlp with the arguments of `arguments.ts`. */
export function ytDlpByArguments(
  kind: YtDlp["kind"],
  tool: YtDlpTool,
  jsRuntime: string,
  { run, runQuestion }: { run: Run; runQuestion: RunQuestion | null },
): YtDlp {
  return {
    kind,
    version: tool.version,
    answersQuestions: runQuestion !== null,
    async ask(question, given) {
      const context = await withOwnCookies(given);
      return askQuestion(question, commonArguments({ tool, jsRuntime, context }), context, runQuestion);
    },
    extract: async (request, context) => extract(request, await withOwnCookies(context), tool, jsRuntime, run),
    describe: async (request, context) =>
      (await describe(request, await withOwnCookies(context), tool, jsRuntime, run)).raw,
    download: async (request, context) => download(request, await withOwnCookies(context), tool, jsRuntime, run),
    async run(build, given, more) {
      const context = await withOwnCookies(given);
      return run(build({ tool, jsRuntime, context }), context, more);
    },
    async subtitle(request, given) {
      const context = await withOwnCookies(given);
      const infoFile = await writeSubtitleRequest(context.dir, request, request.fileName);
      return sideFile("subtitle", { infoFile, fileName: request.fileName }, context, tool, jsRuntime, run);
    },
    async thumbnail(request, given) {
      const context = await withOwnCookies(given);
      const infoFile = await writeThumbnailRequest(context.dir, request.url, request.fileName);
      return sideFile("thumbnail", { infoFile, fileName: request.fileName }, context, tool, jsRuntime, run);
    },
  };
}

async function extract(
  request: ExtractRequest,
  context: YtDlpContext,
  tool: YtDlpTool,
  jsRuntime: string,
  run: Run,
): Promise<Extracted> {
  const { url, playlist, listLimit } = request;
  // `auto` and `never` ask for the video that an address names, if it names one inside a list; one entry more than the
  // limit tells whether there are more.
  const prefer = playlist === "always" ? "list" : "video";
  const { raw, text } = await describe({ url, prefer, entries: listLimit + 1 }, context, tool, jsRuntime, run);
  if (isList(raw)) {
    const entries = toEntries(raw.entries);
    return {
      kind: "list",
      title: typeof raw.title === "string" ? raw.title : null,
      entries: entries.slice(0, listLimit),
      truncated: entries.length > listLimit,
    };
  }
  await saveInfo(context.dir, text);
  return { kind: "single", source: toSourceInfo(raw) };
}

async function describe(
  request: DescribeRequest,
  context: YtDlpContext,
  tool: YtDlpTool,
  jsRuntime: string,
  run: Run,
): Promise<{ raw: Record<string, unknown>; text: string }> {
  const { url, prefer, entries } = request;
  const args = extractArguments({ tool, jsRuntime, context }, { url, oneVideo: prefer === "video", entries });
  const result = await run(args, context, { captureBytes: MAX_INFO_BYTES, timeoutMs: EXTRACT_TIMEOUT_MS });
  ensureDone(result, "extract", context);
  if (result.overflow) throw new MediaFailure("unsupported", "The page describes too many items");
  return { raw: parseJson(result.stdout), text: result.stdout };
}

async function download(
  request: DownloadRequest,
  context: YtDlpContext,
  tool: YtDlpTool,
  jsRuntime: string,
  run: Run,
): Promise<Downloaded> {
  const { fileName, maxBytes, patch } = request;
  const infoFile = await writeFormatRequest(context.dir, request.formatId, fileName, patch);
  // An abort of our own beside the caller's: the source turned out to be too large.
  const tooLarge = new AbortController();
  let retries = 0;
  const result = await run(downloadArguments({ tool, jsRuntime, context }, { infoFile, fileName, maxBytes }), context, {
    signal: AbortSignal.any([context.signal, tooLarge.signal]),
    onStdout(line) {
      const progress = line.startsWith(PROGRESS_MARK) ? parseProgress(line.slice(PROGRESS_MARK.length)) : null;
      if (progress !== null) {
        if (maxBytes !== null && (progress.bytes ?? 0) > maxBytes) tooLarge.abort();
        request.onProgress(progress);
      } else if (RETRY_LINE.test(line)) retries += 1;
      else if (line.includes("larger than max-filesize")) tooLarge.abort();
    },
    onStderr(line) {
      if (RETRY_LINE.test(line)) retries += 1;
    },
  });
  if (tooLarge.signal.aborted && !context.signal.aborted) throw sizeFailure(maxBytes);
  ensureDone(result, "download", context);
  const path = join(context.dir, fileName);
  const size = await stat(path)
    .then((found) => found.size)
    .catch(() => 0);
  if (size === 0) throw new MediaFailure("network", "The source sent an empty file");
  if (maxBytes !== null && size > maxBytes) throw sizeFailure(maxBytes);
  return { path, size, retries };
}

/** A subtitle or a picture: what fails here costs the job only this file. */
async function sideFile(
  kind: "subtitle" | "thumbnail",
  file: { infoFile: string | null; fileName: string },
  context: YtDlpContext,
  tool: YtDlpTool,
  jsRuntime: string,
  run: Run,
): Promise<string | null> {
  const { infoFile, fileName } = file;
  if (infoFile === null) return null;
  const request = { kind, infoFile, fileName, maxBytes: MAX_SIDE_FILE_BYTES };
  const result = await run(sideFileArguments({ tool, jsRuntime, context }, request), context, {
    timeoutMs: SIDE_FILE_TIMEOUT_MS,
  });
  if (result.aborted) throw abortFailure(context.signal);
  // The ending is the site's word, cleaned by yt-dlp: found by looking, never by building the name from it.
  const names = await readdir(context.dir);
  const name = names.find((one) => one.startsWith(`${fileName}.`) && one !== infoFile);
  if (result.code !== 0 || name === undefined) return null;
  const path = join(context.dir, name);
  const { size } = await stat(path);
  return size > 0 && size <= MAX_SIDE_FILE_BYTES ? path : null;
}

/** @throws MediaFailure of what went wrong, unless its output was only too long. */
export function ensureDone(
  result: RunResult,
  stage: "extract" | "download",
  context: Pick<YtDlpContext, "signal">,
): void {
  if (result.aborted) throw abortFailure(context.signal);
  if (result.code === 0 && !result.timedOut) return;
  if (result.overflow) return;
  throw classifyToolFailure(stage, result);
}

/** @throws MediaFailure when it is no JSON object. */
export function parseJson(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Falls through: a broken or missing answer is the same to us.
  }
  throw new MediaFailure("media", "The source could not be read");
}
