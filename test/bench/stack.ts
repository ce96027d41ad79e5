/** The embedded stack for benches: a process of its own without a node, on a folder of its own, the rate bucket off. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const CLI = fileURLToPath(new URL("../../bin/trawl.ts", import.meta.url));

export interface BenchStack {
  url: string;
  apiKey: string;
  adminToken: string;
  end(): Promise<void>;
}

/** Starts it and answers once it serves. `npm run bench` has built the bundle that it runs. */
export async function startBenchStack(env: Record<string, string> = {}): Promise<BenchStack> {
  const root = await mkdtemp(join(tmpdir(), "trawl-bench-"));
  const args = [CLI, "up", "--port", "0", "--no-node", "--json", "--data", join(root, "data")];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: {
      PATH: process.env.PATH ?? "",
      TMPDIR: root,
      TRAWL_DOWNLOADS: join(root, "downloads"),
      TRAWL_ALLOW_PRIVATE: "1",
      TRAWL_RATE: "0",
      TRAWL_MAX_PENDING: "200000",
      TRAWL_LOG: "warn",
      ...env,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const said = JSON.parse(line) as { url: string; api_key: string; admin_token: string };
  return {
    url: said.url,
    apiKey: said.api_key,
    adminToken: said.admin_token,
    async end() {
      await stop(child);
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  await exit;
}
