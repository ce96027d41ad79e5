import { spawn } from "node:child_process";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ROOT } from "./stamp.ts";

export interface WranglerAnswer {
  code: number;
  stdout: string;
  /** Both streams in the order in which they came, without colours. */
  output: string;
}

/** wrangler without questions, banner and telemetry. With `show` its words also go to our own stdout and stderr. */
export function wrangler(args: readonly string[], { show = false } = {}): Promise<WranglerAnswer> {
  const env = {
    ...process.env,
    CI: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_WRITE_LOGS: "false",
  };
  return new Promise((resolve, reject) => {
    const cli = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
    const child = spawn(process.execPath, [cli, ...args], { cwd: ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk;
      output += chunk;
      if (show) process.stdout.write(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      output += chunk;
      if (show) process.stderr.write(chunk);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, output: stripVTControlCharacters(output) }));
  });
}
