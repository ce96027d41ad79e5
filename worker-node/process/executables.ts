/** Finds programs and asks them short questions. */
import { accessSync, constants } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { type RunResult, runTool } from "./run.ts";

/** A version question that takes longer means a broken tool. */
const VERSION_TIMEOUT_MS = 20_000;
const MAX_VERSION_BYTES = 256 * 1024;

/** A tool is missing or broken; the message says what to install. */
export class ToolError extends Error {
  override readonly name = "ToolError";
}

/** The first executable of that name on PATH, absolute; null if there is none. */
export function findOnPath(name: string, path: string | undefined): string | null {
  for (const folder of (path ?? "").split(delimiter)) {
    const candidate = join(folder, name);
    if (folder.startsWith("/") && isExecutable(candidate)) return candidate;
  }
  return null;
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs a tool for a short answer on stdout. */
export function ask(command: readonly string[], env: Readonly<Record<string, string>>): Promise<RunResult> {
  return runTool(command, { dir: tmpdir(), env, timeoutMs: VERSION_TIMEOUT_MS, captureBytes: MAX_VERSION_BYTES });
}
