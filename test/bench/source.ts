/** The fixture site as a process of its own, so that what it costs is not counted as ours. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../../scripts/test/run.ts";

export interface BenchSource {
  url: string;
  stop(): Promise<void>;
}

/** @param mediaDir Folder of its media; defaults to that of the tests. */
export async function startSource(mediaDir?: string): Promise<BenchSource> {
  const args = [join(ROOT, "test/origin/serve.ts"), ...(mediaDir === undefined ? [] : ["--media-dir", mediaDir])];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(createInterface({ input: child.stdout }), "line");
  const { url } = JSON.parse(String(line)) as { url: string };
  return {
    url,
    async stop() {
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      await exit;
    },
  };
}

/** Runs a program to its end. Throws unless it ends well. */
export async function program(command: string, ...args: string[]): Promise<void> {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
}
