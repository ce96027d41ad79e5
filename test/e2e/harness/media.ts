/** What ffprobe says about a delivered file. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { promisify } from "node:util";

export interface Probe {
  /** ffprobe's name: `mov,mp4,m4a,3gp,3g2,mj2`, `matroska,webm`. */
  container: string;
  seconds: number;
  video: { codec: string; width: number; height: number } | null;
  audio: string | null;
}

interface Told {
  format: { format_name: string; duration: string };
  streams: { codec_type: string; codec_name: string; width?: number; height?: number }[];
}

export async function probe(path: string): Promise<Probe> {
  const entries = "format=format_name,duration:stream=codec_type,codec_name,width,height";
  const args = ["-v", "error", "-show_entries", entries, "-of", "json", path];
  const { stdout } = await promisify(execFile)("ffprobe", args);
  const { format, streams } = JSON.parse(stdout) as Told;
  const video = streams.find((stream) => stream.codec_type === "video");
  return {
    container: format.format_name,
    seconds: Number(format.duration),
    video: video === undefined ? null : { codec: video.codec_name, width: video.width ?? 0, height: video.height ?? 0 },
    audio: streams.find((stream) => stream.codec_type === "audio")?.codec_name ?? null,
  };
}

export async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
