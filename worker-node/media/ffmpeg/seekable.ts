/**
 * A clip needs a file in which ffmpeg finds a point in time at once and exactly. MPEG-TS has no index: a seek lands anywhere
 * near, in the middle of a group of pictures. A fragmented MP4 without one is read from its beginning. Both become plain MP4
 * first, packets as they are; that reads the file once, which an exact seek by reading would do as well.
 */
import { open, rm } from "node:fs/promises";
import type { Tool } from "../../tools.ts";
import { MediaFailure } from "../failure.ts";
import { topBoxes } from "./boxes.ts";
import { inputArguments } from "./input.ts";
import { isFragmented } from "./plain.ts";
import type { Probed } from "./probe.ts";
import { type FfmpegContext, runFfmpeg } from "./run.ts";

const MAX_FRONT_BOXES = 8;

/**
 * Answers the path of a file with the same streams that can be sought in; the old one is removed if that is another.
 * What MP4 cannot hold stays as it is.
 *
 * @throws MediaFailure when aborted, or when the disk is full.
 */
export async function seekable(
  tool: Tool,
  path: string,
  probed: Probed,
  context: Pick<FfmpegContext, "dir" | "signal" | "groups">,
): Promise<string> {
  if (!(await needsIndex(path, probed))) return path;
  const made = `${path}.indexed`;
  const args = [
    ...inputArguments(path),
    ...["-map", "0:v:0?", "-map", "0:a:0?", "-c", "copy", "-strict", "-2", "-f", "mp4", "-y", `file:${made}`],
  ];
  try {
    await runFfmpeg(tool, args, { ...context, expectedSeconds: null });
  } catch (error) {
    if (!(error instanceof MediaFailure) || error.class !== "media") throw error;
    await rm(made, { force: true });
    return path;
  }
  await rm(path);
  return made;
}

async function needsIndex(path: string, probed: Probed): Promise<boolean> {
  const names = probed.formatName.split(",");
  if (names.includes("mpegts")) return true;
  if (!names.includes("mp4")) return false;
  const file = await open(path, "r");
  try {
    // With an index in front, as sites write it that are read by ranges, ffmpeg finds any fragment.
    const indexed = (await topBoxes(file, MAX_FRONT_BOXES)).some(({ type }) => type === "sidx");
    return !indexed && (await isFragmented(file));
  } finally {
    await file.close();
  }
}
