import { execFile } from "node:child_process";
import { stat } from "node:fs/promises";
import { promisify } from "node:util";
import { z } from "zod";
import { errorText } from "../../edge/local/log.ts";
import { Failure } from "../cli-error.ts";
import { formatBytes } from "../format.ts";

const run = promisify(execFile);

/** What a video file should be. */
export type ExpectedVideo = {
  codec: string;
  width: number;
  height: number;
  seconds: number;
  /** Size that the job reported; null if it reported none. */
  bytes: number | null;
};

const ProbeSchema = z.object({
  streams: z.array(
    z.object({
      codec_type: z.string(),
      codec_name: z.string().optional(),
      width: z.number().optional(),
      height: z.number().optional(),
    }),
  ),
  format: z.object({ duration: z.coerce.number(), size: z.coerce.number() }),
});

/** Containers round durations to a frame or an audio packet. */
const DURATION_SLACK_S = 0.25;
const PROBE_TIMEOUT_MS = 30_000;

/**
 * Looks at a file with ffprobe and answers its facts in words.
 *
 * @throws Failure naming what differs
 */
export async function verifyVideo(file: string, expected: ExpectedVideo): Promise<string> {
  const onDisk = await stat(file).catch(() => null);
  if (onDisk === null) throw new Failure(`the delivered file is missing: ${file}`);
  const { streams, format } = await probe(file);
  const video = streams.find((stream) => stream.codec_type === "video");
  const audio = streams.find((stream) => stream.codec_type === "audio");
  const facts: [name: string, found: unknown, wanted: unknown][] = [
    ["video codec", video?.codec_name, expected.codec],
    ["width", video?.width, expected.width],
    ["height", video?.height, expected.height],
    ["size", onDisk.size, expected.bytes],
    ["size by ffprobe", format.size, onDisk.size],
    ["duration", Math.abs(format.duration - expected.seconds) <= DURATION_SLACK_S, true],
  ];
  for (const [name, found, wanted] of facts) {
    if (found !== wanted) throw new Failure(`the delivered file is not the sample: ${name} is ${found}, not ${wanted}`);
  }
  const sound = audio?.codec_name ?? "no sound";
  return `${expected.codec} ${expected.width}x${expected.height}, ${sound}, ${format.duration.toFixed(1)} s, ${formatBytes(onDisk.size)}`;
}

async function probe(file: string): Promise<z.infer<typeof ProbeSchema>> {
  const ffprobe = process.env.TRAWL_FFPROBE || "ffprobe";
  try {
    const args = ["-v", "error", "-show_streams", "-show_format", "-of", "json", file];
    const { stdout } = await run(ffprobe, args, { timeout: PROBE_TIMEOUT_MS });
    return ProbeSchema.parse(JSON.parse(stdout));
  } catch (error) {
    throw new Failure(`ffprobe could not read ${file}: ${errorText(error)}`);
  }
}
