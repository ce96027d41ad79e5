import type { Log as MiniflareLog } from "miniflare";
import { errorText, type Log } from "./log.ts";

export type MiniflareModule = typeof import("miniflare");

/** Miniflare's own lines, as events of ours. */
export function forwardingLog(module: MiniflareModule, log: Log): MiniflareLog {
  return new (class extends module.Log {
    override error(error: Error): void {
      const cause = error.cause === undefined ? {} : { cause: errorText(error.cause) };
      log.error("miniflare.failed", { message: error.message, ...cause });
    }

    override warn(message: string): void {
      log.debug("miniflare.warned", { message });
    }

    protected override log(message: string): void {
      log.debug("miniflare.logged", { message });
    }
  })(module.LogLevel.WARN);
}

/** A line of the Worker or of workerd: the Worker writes one-line JSON of its own, anything else is wrapped. */
export function forwardWorkerLine(log: Log, level: string, message: string): void {
  if (message.startsWith("{")) process.stderr.write(`${message}\n`);
  // workerd's own remarks on alarms that a restart made late or that moved: expected here, and nothing to act on.
  else if (message.startsWith("NOSENTRY")) log.debug("workerd.remarked", { message });
  else if (level === "error" || level === "warn") log[level]("worker.logged", { message });
  else log.debug("worker.logged", { message });
}
