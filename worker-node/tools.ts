/** Finds yt-dlp, ffmpeg and ffprobe once, at the start of a node (operator.md, environment table). */
import { YTDLP_MIN_VERSION } from "../shared/ytdlp-version.ts";
import { findYtDlp } from "./media/ytdlp/locate.ts";
import { ask, findOnPath, ToolError } from "./process/executables.ts";

export { ToolError };

export interface Tool {
  /** Program and fixed first arguments, absolute. */
  command: readonly string[];
  /** Variables that it needs beside the few that each tool gets. */
  env: Readonly<Record<string, string>>;
  version: string;
}

export interface YtDlpTool extends Tool {
  /** The interpreter that can import yt_dlp; null for a frozen binary. */
  python: string | null;
  /** Older than the edge's minimum: the node says so and stays quiet. */
  tooOld: boolean;
  /** The installed version takes `--js-runtimes`. */
  takesJsRuntime: boolean;
  /** Files that change, appear or go when yt-dlp is renewed. */
  files: readonly string[];
}

export interface Tools {
  ytdlp: YtDlpTool;
  ffmpeg: Tool;
  ffprobe: Tool;
  /** Node 24 itself, handed to yt-dlp for the sites that need JavaScript. */
  jsRuntime: string;
}

export interface ToolOptions {
  /** The node's own environment: only the `TRAWL_*` names and PATH are read from it. */
  env: Readonly<Record<string, string | undefined>>;
  /** The folder that holds `.trawl/tools`, if the node runs from a checkout. */
  checkout: string;
}

/**
 * Resolves all tools and their versions.
 *
 * @throws ToolError when one is missing.
 * @example const tools = await resolveTools({ env: process.env, checkout: process.cwd() });
 */
export async function resolveTools(options: ToolOptions): Promise<Tools> {
  const [ytdlp, ffmpeg, ffprobe] = await Promise.all([
    findInstalledYtDlp(options),
    findFf("ffmpeg", options.env.TRAWL_FFMPEG, options),
    findFf("ffprobe", options.env.TRAWL_FFPROBE, options),
  ]);
  return { ytdlp, ffmpeg, ffprobe, jsRuntime: process.execPath };
}

/** @throws ToolError when there is none. */
export function findInstalledYtDlp(options: ToolOptions): Promise<YtDlpTool> {
  return findYtDlp({ ...options, minimum: options.env.TRAWL_YTDLP_MIN || YTDLP_MIN_VERSION });
}

async function findFf(name: "ffmpeg" | "ffprobe", set: string | undefined, options: ToolOptions): Promise<Tool> {
  const path = set || findOnPath(name, options.env.PATH);
  if (path === null)
    throw new ToolError(
      `${name} was not found: install ffmpeg (apt-get install ffmpeg), or set TRAWL_${name.toUpperCase()}`,
    );
  const result = await ask([path, "-version"], {});
  const version = /version (\S+)/.exec(result.stdout)?.[1];
  if (version === undefined)
    throw new ToolError(`${path} does not answer -version: install ffmpeg again, or set TRAWL_${name.toUpperCase()}`);
  return { command: [path], env: {}, version };
}
