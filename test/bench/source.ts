/** Servers as processes of their own, so that what they cost is not counted as ours. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { ROOT } from "../../scripts/test/run.ts";

export interface BenchServer {
  url: string;
  stop(): Promise<void>;
}

/** The fixture site. `mediaDir`: folder of its media; defaults to that of the tests. */
export function startSource(mediaDir?: string): Promise<BenchServer> {
  return startServer("test/origin/serve.ts", ...(mediaDir === undefined ? [] : ["--media-dir", mediaDir]));
}

/** A bucket of S3 that keeps its objects in this folder. */
export function startBucket(folder: string): Promise<BenchServer> {
  return startServer("test/bench/bucket-server.ts", folder);
}

async function startServer(script: string, ...args: string[]): Promise<BenchServer> {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], { stdio: ["ignore", "pipe", "inherit"] });
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

/** Runs a program to its end; what it said on its standard output. Throws unless it ends well. */
export async function program(command: string, ...args: string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [said, [code]] = await Promise.all([text(child.stdout), once(child, "exit")]);
  if (code !== 0) throw new Error(`${command} ended with ${code}`);
  return said;
}
