import { Command } from "commander";
import type { Host } from "../../edge/local/host.ts";
import { onStopSignal } from "../../edge/local/signals.ts";
import { portNumber, slotCount } from "../arguments.ts";
import { upText } from "../up-text.ts";

type UpFlags = { port?: number; host?: string; data?: string; slots?: number; node: boolean; json?: boolean };

/** `trawl up`: the embedded stack until Ctrl-C. */
export function upCommand(): Command {
  return new Command("up")
    .description("run the whole stack on this machine until Ctrl-C")
    .option("--port <n>", "port to listen on; 0 takes a free one (default: TRAWL_PORT or 8787)", portNumber)
    .option("--host <address>", "address to listen on (default: TRAWL_HOST or 127.0.0.1)")
    .option("--data <dir>", "data folder (default: TRAWL_DATA or .trawl)")
    .option("--slots <n>", "jobs that the node runs at once (default: TRAWL_SLOTS or the number of cores)", slotCount)
    .option("--no-node", "run the edge only")
    .option("--json", "print one line of JSON when ready")
    .action(runUp);
}

async function runUp(flags: UpFlags): Promise<void> {
  // Loaded here: Miniflare alone takes longer to load than `trawl ls` takes in all.
  const { startHost } = await import("../../edge/local/host.ts");
  const starting = startHost(flags);
  const unlisten = onStopSignal(() => {
    // A start that fails tells its reason below.
    starting.then((host) => host.stop()).catch(() => {});
  });
  try {
    const host = await starting;
    process.stdout.write(flags.json ? jsonLine(host) : upText(host));
    await host.exited;
  } finally {
    unlisten();
  }
}

function jsonLine(host: Host): string {
  const { url, apiKey: api_key, adminToken: admin_token, dataDir: data } = host;
  return `${JSON.stringify({ url, api_key, admin_token, data, pid: process.pid })}\n`;
}
