/**
 * The systemd units, held against what they start. `systemd-analyze verify` was run by hand: systemd is not on every machine
 * that runs the tests, and a check that is left out there would look like one that passed.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { nodeCommand } from "../../bin/commands/node.ts";
import { upCommand } from "../../bin/commands/up.ts";
import { ROOT } from "../../scripts/build/stamp.ts";

const INSTALLED = "/opt/trawl";
const UNITS = ["trawl", "trawl-node"];

/** Sections, each a list of settings in order; a continued line would be a fault of ours. */
function parseUnit(name: string): Map<string, [string, string][]> {
  const sections = new Map<string, [string, string][]>();
  let current: [string, string][] = [];
  for (const line of readFileSync(join(ROOT, "scripts", "systemd", `${name}.service`), "utf8").split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const head = /^\[(\w+)\]$/.exec(line)?.[1];
    if (head === undefined) {
      const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
      if (key === undefined || value === undefined || value.endsWith("\\")) throw new Error(`not a setting: ${line}`);
      current.push([key, value]);
    } else {
      current = [];
      sections.set(head, current);
    }
  }
  return sections;
}

const settingOf = (unit: Map<string, [string, string][]>, key: string) =>
  unit.get("Service")?.find(([name]) => name === key)?.[1] ?? "";

describe.each(UNITS)("%s.service", (name) => {
  const unit = parseUnit(name);
  const words = settingOf(unit, "ExecStart").split(" ");

  test("starts the built file on the Node of the clone, with a command and options that there are", () => {
    expect([...unit.keys()]).toEqual(["Unit", "Service", "Install"]);
    const [node = "", ...rest] = words;
    const file = rest.findIndex((word) => word.endsWith(".mjs"));
    expect(node).toBe(`${INSTALLED}/node_modules/.bin/node`);
    expect(rest[file]).toBe(`${INSTALLED}/dist/trawl.mjs`);
    // Node takes its own options here, too.
    execFileSync(process.execPath, [...rest.slice(0, file), "-e", "0"]);
    const [command, ...options] = rest.slice(file + 1);
    const known = [upCommand(), nodeCommand(() => undefined)].find((each) => each.name() === command);
    const flags = options.filter((word) => word.startsWith("--"));
    expect(known?.options.map(({ long }) => long)).toEqual(expect.arrayContaining(flags));
  });

  test("keeps its data where it may write, and root to what the uids of tools need", () => {
    const state = `/var/lib/${settingOf(unit, "StateDirectory")}`;
    expect(settingOf(unit, "Environment")).toContain(`TRAWL_DATA=${state}`);
    expect(settingOf(unit, "ProtectSystem")).toBe("strict");
    expect(settingOf(unit, "NoNewPrivileges")).toBe("yes");
    // Others pass through it on their way to their folder, and see nothing.
    expect(settingOf(unit, "StateDirectoryMode")).toBe("0711");
    const capabilities = settingOf(unit, "CapabilityBoundingSet").split(" ");
    expect(capabilities).toEqual(expect.arrayContaining(["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_CHOWN"]));
    expect(capabilities).not.toContain("CAP_SYS_ADMIN");
  });

  test("is given longer to stop than it takes", () => {
    // `trawl up`: 10 s, and 30 s after the second signal. A node: 30 s, and ten minutes for what it recorded.
    expect(Number(settingOf(unit, "TimeoutStopSec"))).toBeGreaterThan(name === "trawl" ? 40 : 600);
    expect(settingOf(unit, "KillMode")).toBe("mixed");
  });
});

test("the node's first signal waits until it has ended by itself", async () => {
  const stop = settingOf(parseUnit("trawl-node"), "ExecStop").replace(/^-/, "");
  const script = /^\/bin\/sh -c '(.*)'$/.exec(stop)?.[1] ?? "";
  const main = spawn("sleep", ["300"], { stdio: "ignore" });
  const gone = once(main, "exit");
  const stopping = spawn("/bin/sh", ["-c", script], {
    env: { PATH: process.env.PATH ?? "", MAINPID: String(main.pid) },
    stdio: "inherit",
  });
  const [done] = (await once(stopping, "exit")) as [number | null];
  expect(await gone).toEqual([null, "SIGTERM"]);
  // 124 would say that it had waited for all of its time.
  expect(done).toBe(0);
});
