/** A storage server of somebody else's as a process of its own, for as long as a test file runs. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = join(import.meta.dirname, "..", "..", "..");

export interface ServerProcess {
  /** What the pattern's first group matched in the line that says it listens. */
  address: string;
  close(): Promise<void>;
}

/**
 * Starts a command of `node_modules/.bin` in an empty folder and waits for the line that says where it listens.
 *
 * @throws Error with what it printed, if it ends before
 */
export async function startServer(
  command: string,
  args: readonly string[],
  listening: RegExp,
  env: Record<string, string> = {},
): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), "trawl-peer-"));
  const child = spawn(join(ROOT, "node_modules", ".bin", command), args, {
    cwd: folder,
    env: { ...process.env, PATH: `${join(ROOT, "node_modules", ".bin")}:${process.env.PATH ?? ""}`, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const close = async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  const said: string[] = [];
  const address = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        said.push(line);
        const found = listening.exec(line)?.[1];
        if (found !== undefined) resolve(found);
      });
    }
    void ended.then(() => reject(new Error(`${command} has ended: ${said.join("\n")}`)));
  }).catch(async (error: unknown) => {
    await close();
    throw error;
  });
  return { address, close };
}
