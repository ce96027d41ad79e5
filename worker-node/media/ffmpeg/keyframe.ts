/** Where a stream can be cut without re-encoding: at its keyframes. */
import { type RunOptions, runTool } from "../../process/run.ts";
import type { Tool } from "../../tools.ts";
import { abortFailure } from "../failure.ts";
import { inputArguments } from "./input.ts";

const TIMEOUT_MS = 60_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** Longer than the distance of keyframes in nearly all media; where it is not, the whole way is read. */
const WINDOW_SECONDS = 15;

/**
 * The last keyframe at or before `seconds`, both counted from the start of the file; 0 when there is none.
 *
 * @param startSeconds The time of the file's first packet (`Probed.startSeconds`): ffprobe counts from zero time.
 */
export async function keyframeBefore(
  tool: Tool,
  path: string,
  seconds: number,
  startSeconds: number,
  context: Pick<RunOptions, "dir" | "signal" | "groups">,
): Promise<number> {
  const at = seconds + startSeconds;
  // MPEG-TS has no index: a seek there lands anywhere near, so a window before the point is read, not the point.
  for (const from of new Set([Math.max(0, at - WINDOW_SECONDS), 0])) {
    const args = [
      ...["-v", "error", "-of", "csv=p=0", "-select_streams", "v:0", "-show_entries", "packet=pts_time,flags"],
      ...["-read_intervals", `${from.toFixed(3)}%${(at + 0.001).toFixed(3)}`],
      ...inputArguments(path),
    ];
    const result = await runTool([...tool.command, ...args], {
      ...context,
      env: tool.env,
      captureBytes: MAX_BYTES,
      timeoutMs: TIMEOUT_MS,
    });
    if (result.aborted && context.signal) throw abortFailure(context.signal);
    const found = lastKeyframe(result.stdout, at);
    if (found !== null) return Math.max(0, found - startSeconds);
  }
  return 0;
}

/** Reads `pts,flags` lines, such as `3.200000,K__`; the latest key packet up to `seconds`. */
export function lastKeyframe(csv: string, seconds: number): number | null {
  const times = csv.split("\n").flatMap((line) => {
    const [time, flags] = line.split(",");
    return flags?.includes("K") && Number.isFinite(Number(time)) ? [Number(time)] : [];
  });
  const before = times.filter((time) => time <= seconds + 0.0005);
  return before.length === 0 ? null : Math.max(...before);
}
