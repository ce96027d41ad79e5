/**
 * Questions about yt-dlp, and to it, that no option of its command line answers (`questions.py`). They need the interpreter
 * that imports yt_dlp: the warm host's, or one of their own; a frozen binary answers none, and its node says so when it
 * opens its session (`YTDLP_CALLS` in the contract), so that the edge does not ask it.
 */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { writeForTool } from "../../../process/confine.ts";
import type { RunResult } from "../../../process/run.ts";
import { abortFailure, MediaFailure } from "../../failure.ts";
import { classifyToolFailure } from "../../failures.ts";
import type { YtDlpContext } from "../port.ts";

/** No deadline of a call is longer (`extract_info_timeout`); what is answered without network takes a second. */
const TIMEOUT_MS = 5 * 60_000;
/** A list of a large site; what goes to the edge is cut after (`fit-answer.ts`). */
const MAX_ANSWER_BYTES = 48 * 1024 * 1024;

export type Question =
  /** Every option that yt-dlp shows. */
  | { ask: "options" }
  /** A user's arguments, parsed. */
  | { ask: "parse"; args: readonly string[] }
  /** Archive ids by the address patterns of the extractors. */
  | { ask: "archive_ids"; urls: readonly string[] }
  /** One look with a user's arguments. */
  | { ask: "info"; url: string; args: readonly string[] };

/** Runs `questions.py` in the folder of the context, with the name of the question's file as its argument. */
export type RunQuestion = (
  file: string,
  context: YtDlpContext,
  more: { captureBytes: number; timeoutMs: number },
) => Promise<RunResult>;

/** What yt-dlp said of a source that it could not look at, line by line. */
const Failed = z.object({ failed: z.array(z.string()).min(1) });

/**
 * The answer, unchecked: `{"refused": text}` where the parser did not take the arguments.
 *
 * @param own The node's own arguments, which win over a user's.
 * @throws MediaFailure of the source, with what yt-dlp said as its `log`; `node_fault` without an interpreter.
 */
export async function askQuestion(
  question: Question,
  own: readonly string[],
  context: YtDlpContext,
  run: RunQuestion | null,
): Promise<unknown> {
  if (run === null)
    throw new MediaFailure("node_fault", "This worker node cannot answer questions about the downloader");
  const file = `question-${randomUUID()}.json`;
  await writeForTool(join(context.dir, file), JSON.stringify({ ...question, own }));
  const result = await run(file, context, { captureBytes: MAX_ANSWER_BYTES, timeoutMs: TIMEOUT_MS });
  await rm(join(context.dir, file), { force: true });
  if (result.aborted) throw abortFailure(context.signal);
  if (result.overflow) throw new MediaFailure("unsupported", "The page describes too many items");
  if (result.code !== 0 || result.timedOut) throw classifyToolFailure("extract", result);
  const answer: unknown = JSON.parse(result.stdout);
  const failed = Failed.safeParse(answer);
  if (!failed.success) return answer;
  const said = failed.data.failed;
  // A site's `Retry-After` stands on stderr.
  const failure = classifyToolFailure("extract", { code: 1, stderrTail: [result.stderrTail, ...said].join("\n") });
  failure.log = said;
  throw failure;
}
