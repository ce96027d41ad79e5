import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { YtDlpTool } from "../../worker-node/tools.ts";

/** A list of options is 60 KB; this is room for ten times as many. */
const MAX_LIST_BYTES = 1024 * 1024;

export interface ReadOptions {
  version: string;
  options: Record<string, unknown>[];
}

/**
 * Asks an installed yt-dlp for its options, by its own option parser.
 *
 * @throws Error with Python's complaint; for a frozen yt-dlp, which no interpreter can import.
 * @example const { version, options } = await readYtDlpOptions((await realTools()).ytdlp);
 */
export async function readYtDlpOptions({ python, env }: Pick<YtDlpTool, "python" | "env">): Promise<ReadOptions> {
  if (python === null) throw new Error("this yt-dlp is no Python package: its options cannot be read");
  const { stdout } = await promisify(execFile)(python, [join(import.meta.dirname, "read.py")], {
    env: { PATH: process.env.PATH, ...env, PYTHONDONTWRITEBYTECODE: "1" },
    maxBuffer: MAX_LIST_BYTES,
  });
  return JSON.parse(stdout) as ReadOptions;
}
