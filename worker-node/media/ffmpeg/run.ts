/** Runs ffmpeg on local files, with progress. */
import { type RunOptions, runTool } from "../../process/run.ts";
import type { Tool } from "../../tools.ts";
import { abortFailure, MediaFailure } from "../failure.ts";
import { classifyToolFailure } from "../failures.ts";
import { ProgressReader } from "./progress.ts";

export interface FfmpegContext extends Pick<RunOptions, "dir" | "signal" | "groups"> {
  /** Length of what is written, seconds; null when unknown, then no fraction is told. */
  expectedSeconds: number | null;
  onFraction?: (fraction: number | null) => void;
  /** The output is cut off past this size and the run fails with `too_large`. */
  maxBytes?: number | null;
}

/**
 * Runs one ffmpeg command; `args` come from `plan/arguments.ts` and name one output, in the attempt folder.
 *
 * @throws MediaFailure
 */
export async function runFfmpeg(tool: Tool, args: readonly string[], context: FfmpegContext): Promise<void> {
  const tooLarge = new AbortController();
  const reader = new ProgressReader((at) => {
    if (context.maxBytes != null && at.bytes > context.maxBytes) tooLarge.abort();
    const expected = context.expectedSeconds;
    context.onFraction?.(expected !== null && expected > 0 ? Math.min(1, at.seconds / expected) : null);
  });
  const signals = [context.signal, tooLarge.signal].filter((one) => one !== undefined);
  const result = await runTool(
    [...tool.command, "-nostdin", "-hide_banner", "-loglevel", "error", "-progress", "pipe:1", "-nostats", ...args],
    {
      dir: context.dir,
      env: tool.env,
      groups: context.groups,
      signal: AbortSignal.any(signals),
      onStdout: (line) => reader.line(line),
    },
  );
  if (context.signal?.aborted) throw abortFailure(context.signal);
  if (tooLarge.signal.aborted) throw new MediaFailure("too_large");
  if (result.code !== 0) throw classifyToolFailure("mux", result);
}
