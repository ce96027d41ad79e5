/** How a run of yt-dlp by a user's options ended. */
import type { RunResult } from "../../process/run.ts";
import { MediaFailure } from "../failure.ts";
import { ensureDone } from "../ytdlp/command-line.ts";

/** Its exit code when an option said that it has enough (`--max-downloads`, `--break-match-filters`). */
export const HAD_ENOUGH = 101;
/** And when its parser did not take the command line. */
const NOT_UNDERSTOOD = 2;

/** @throws MediaFailure unless yt-dlp was content. */
export function ensureContent(result: RunResult, stage: "extract" | "download", signal: AbortSignal): void {
  if (result.code === HAD_ENOUGH && !result.aborted && !result.timedOut) return;
  const complaint = /error: (.+)\s*$/.exec(result.stderrTail)?.[1];
  // Another node's yt-dlp is the same one, or an older one: no repeat helps.
  if (result.code === NOT_UNDERSTOOD && complaint !== undefined)
    throw new MediaFailure("unsupported", `Failed to parse command options for yt-dlp. '${complaint}'.`);
  ensureDone(result, stage, { signal });
}
