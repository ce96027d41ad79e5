/** The packets of one stream around a point in time: what can be copied, and from where, is decided by them. */
import { type RunOptions, runTool } from "../../process/run.ts";
import type { Tool } from "../../tools.ts";
import { abortFailure } from "../failure.ts";
import type { Packet } from "../plan/cut.ts";
import { inputArguments } from "./input.ts";

const TIMEOUT_MS = 60_000;
const MAX_BYTES = 16 * 1024 * 1024;

export interface PacketWindow {
  /** Stream index in the file. */
  stream: number;
  /** Seconds on the file's own clock, as ffprobe counts them. Reading starts at the keyframe before, or a little earlier. */
  from: number;
  /** Null reads to the end. */
  to: number | null;
}

/**
 * In decoding order; a packet without a time is left out. A file that cannot be read answers with what could be.
 *
 * @throws MediaFailure only when aborted.
 */
export async function listPackets(
  tool: Tool,
  path: string,
  { stream, from, to }: PacketWindow,
  context: Pick<RunOptions, "dir" | "signal" | "groups">,
): Promise<Packet[]> {
  const until = to === null ? "" : to.toFixed(6);
  const args = [
    ...["-v", "error", "-of", "compact=p=0:nk=0", "-select_streams", String(stream)],
    ...["-show_entries", "packet=pts,dts,flags", "-read_intervals", `${Math.max(0, from).toFixed(6)}%${until}`],
    ...inputArguments(path),
  ];
  const result = await runTool([...tool.command, ...args], {
    ...context,
    env: tool.env,
    captureBytes: MAX_BYTES,
    timeoutMs: TIMEOUT_MS,
  });
  if (result.aborted && context.signal) throw abortFailure(context.signal);
  return parsePackets(result.stdout);
}

/** Reads lines such as `pts=51200|dts=50176|flags=K_`. */
export function parsePackets(text: string): Packet[] {
  const packets = text.split("\n").flatMap((line) => {
    const found = /^pts=(-?\d+)\|dts=(-?\d+|N\/A)\|flags=(\S+)/.exec(line);
    if (found === null) return [];
    const dts = found[2] === "N/A" ? null : Number(found[2]);
    return [{ pts: Number(found[1]), dts, key: found[3]?.includes("K") === true }];
  });
  // Matroska keeps no decoding times, and the first ones after a seek stay unknown: they go back at the same pace.
  const known = packets.findIndex(({ dts }) => dts !== null);
  const [first, second] = [packets[known]?.dts ?? null, packets[known + 1]?.dts ?? null];
  const step = first === null || second === null ? 0 : second - first;
  return packets.map(({ pts, dts, key }, at) => ({
    pts,
    dts: dts ?? (first === null || at > known ? pts : first - (known - at) * step),
    key,
  }));
}
