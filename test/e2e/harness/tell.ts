import { afterEach } from "vitest";
import { atEnd } from "./at-end.ts";
import type { LogLines } from "./log-lines.ts";

const MAX_LINES = 80;

const logs = new Map<LogLines, string>();

/** Prints the end of this log if a test fails while it is there. */
export function tellOnFailure(name: string, log: LogLines): void {
  logs.set(log, name);
  atEnd(() => logs.delete(log));
}

afterEach(({ task }) => {
  if (task.result?.state !== "fail") return;
  for (const [log, name] of logs) {
    const lines = log.lines.slice(-MAX_LINES);
    if (lines.length > 0) process.stderr.write(`--- ${name}, at the end of "${task.name}"\n${lines.join("\n")}\n`);
  }
});
