/** Whether this node can give its tools uids of their own: tried once at start, with the very means of `runTool`. */
import { chmodSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Tools } from "../tools.ts";
import { makeFolder, SETPRIV, ToolUsers } from "./confine.ts";
import { runTool } from "./run.ts";

const TRY_TIMEOUT_MS = 10_000;
/** Prints the first path that cannot be read, or entered. */
const TRY_SCRIPT =
  'for p; do [ -r "$p" ] && { [ ! -d "$p" ] || [ -x "$p" ]; } || { echo "$p"; exit 1; }; done; : > mine';
/** Others may pass through, and see nothing: the way of a tool to its own folder. */
const PASSAGE = 0o711;

export interface OpenedUsers {
  users: ToolUsers | undefined;
  /** Why there are none, for the log and the one who reads it. */
  why: string | null;
}

/**
 * @param folders The data folder and those on the way from it to the work folder, which comes last.
 */
export async function openToolUsers(folders: readonly string[], tools: Tools): Promise<OpenedUsers> {
  const workRoot = folders.at(-1) ?? "";
  if (process.getuid?.() !== 0) return { users: undefined, why: "the node is not root" };
  if (SETPRIV === undefined) return { users: undefined, why: "setpriv is missing" };
  for (const folder of folders) chmodSync(folder, PASSAGE);
  const users = new ToolUsers(workRoot);
  const dir = join(workRoot, "try");
  try {
    await makeFolder(dir, users);
    const command = ["/bin/sh", "-c", TRY_SCRIPT, "sh", dir, ...pathsOf(tools)];
    const { code, stdout, stderrTail } = await runTool(command, {
      dir,
      captureBytes: 4_096,
      timeoutMs: TRY_TIMEOUT_MS,
    });
    if (code === 0) return { users, why: null };
    return { users: undefined, why: stdout.trim() === "" ? stderrTail : `closed to other users: ${stdout.trim()}` };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Everything that the tools are made of, as far as it is named. */
function pathsOf({ ytdlp, ffmpeg, ffprobe, jsRuntime }: Tools): string[] {
  const modules = ytdlp.env.PYTHONPATH?.split(":") ?? [];
  const programs = [...ytdlp.command, ...ffmpeg.command, ...ffprobe.command, jsRuntime];
  return [...programs, ...modules].filter((path) => path.startsWith("/"));
}
