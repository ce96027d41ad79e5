/** An MP4 whose index lies behind its media is written again with the index in front, so that it plays while it loads. */
import { open, rename, rm, stat } from "node:fs/promises";
import type { Tool } from "../../tools.ts";
import { MediaFailure } from "../failure.ts";
import { topBoxes } from "../ffmpeg/boxes.ts";
import { inputArguments } from "../ffmpeg/input.ts";
import { type FfmpegContext, runFfmpeg } from "../ffmpeg/run.ts";

const MP4 = /\.(mp4|m4a|m4v|mov)$/i;
/** ffmpeg's muxers by ending; `ipod` writes the brand of M4A and takes cover pictures. */
const MUXERS: Readonly<Record<string, string>> = { mp4: "mp4", m4v: "mp4", m4a: "ipod", mov: "mov" };
/** A whole file has about five, a fragmented one two per fragment: its index is in front, and in each of them. */
const MAX_BOXES = 64;

/**
 * Answers the size of the file, which may be another now. What ffmpeg cannot write again stays as it is.
 *
 * @param onWork is called before there is any.
 * @throws MediaFailure when aborted, or when the disk is full.
 */
export async function putIndexFirst(
  tool: Tool,
  path: string,
  context: Omit<FfmpegContext, "expectedSeconds">,
  onWork: () => void,
): Promise<number> {
  const muxer = MUXERS[MP4.exec(path)?.[1]?.toLowerCase() ?? ""];
  if (muxer !== undefined && (await indexIsBehind(path))) {
    onWork();
    const made = `${path}.indexed`;
    // All streams but those of data, which hold chapters once more: ffmpeg writes these anew from its own list.
    const copy = ["-map", "0", "-dn", "-ignore_unknown", "-c", "copy", "-strict", "-2", "-movflags", "+faststart"];
    try {
      await runFfmpeg(tool, [...inputArguments(path), ...copy, "-f", muxer, "-y", `file:${made}`], {
        ...context,
        expectedSeconds: null,
      });
      await rename(made, path);
    } catch (error) {
      if (!(error instanceof MediaFailure) || error.class !== "media") throw error;
      await rm(made, { force: true });
    }
  }
  return (await stat(path)).size;
}

async function indexIsBehind(path: string): Promise<boolean> {
  const file = await open(path, "r");
  try {
    const order = (await topBoxes(file, MAX_BOXES)).map(({ type }) => type);
    return order.includes("moov") && order.indexOf("mdat") !== -1 && order.indexOf("mdat") < order.indexOf("moov");
  } finally {
    await file.close();
  }
}
