import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupAlive, killGroup } from "../../../worker-node/process/group.ts";
import { recordGroups, sweepLeftovers, writeAttemptFile } from "../../../worker-node/process/leftovers.ts";
import { parseStat, readStat } from "../../../worker-node/process/proc.ts";

let root: string;
const started: number[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "trawl-work-"));
});
afterEach(async () => {
  for (const pid of started.splice(0)) await killGroup(pid, 0);
  rmSync(root, { recursive: true, force: true });
});

/** A tool as a node that was killed would have left it. */
async function leftover(env: Record<string, string> = {}) {
  const child = spawn("/bin/sh", ["-c", "echo ready; exec sleep 1000"], {
    detached: true,
    env,
    stdio: ["ignore", "pipe", "ignore"],
  });
  await once(createInterface({ input: child.stdout }), "line");
  const pid = child.pid ?? 0;
  started.push(pid);
  return { pgid: pid, start_time: readStat(pid)?.start_time ?? 0 };
}

function attempt(name: string): string {
  const dir = join(root, name);
  mkdirSync(dir);
  writeFileSync(join(dir, "source-0.part"), "half a video");
  return dir;
}

describe("sweepLeftovers", () => {
  it("kills a group whose leader has the written start time and removes the folder", async () => {
    const dir = attempt("a");
    const group = await leftover();
    writeAttemptFile(dir, { job: "j", token: "1.1", groups: [group] });
    expect(await sweepLeftovers(root)).toEqual({ directories: 1, groups: 1, strays: 0 });
    expect(groupAlive(group.pgid)).toBe(false);
    expect(existsSync(dir)).toBe(false);
  });

  it("spares a process that merely got the same pid later", async () => {
    const dir = attempt("a");
    const group = await leftover();
    writeAttemptFile(dir, { job: "j", token: "1.1", groups: [{ ...group, start_time: group.start_time - 1 }] });
    expect(await sweepLeftovers(root)).toEqual({ directories: 1, groups: 0, strays: 0 });
    expect(groupAlive(group.pgid)).toBe(true);
  });

  it("finds what outlived its leader by the attempt folder in its environment", async () => {
    const dir = attempt("a");
    const group = await leftover({ TRAWL_ATTEMPT_DIR: resolve(dir) });
    const other = await leftover({ TRAWL_ATTEMPT_DIR: `${resolve(dir)}2` });
    expect(await sweepLeftovers(root)).toEqual({ directories: 1, groups: 0, strays: 1 });
    expect(groupAlive(group.pgid)).toBe(false);
    expect(groupAlive(other.pgid)).toBe(true);
  });

  it.each(["", "{", '{"groups":7}', '{"groups":[{"pgid":-1,"start_time":0},{"pgid":"1"},null]}'])(
    "removes a folder whose list of groups is %j",
    async (text) => {
      const dir = attempt("a");
      writeFileSync(`${dir}.json`, text);
      expect(await sweepLeftovers(root)).toEqual({ directories: 1, groups: 0, strays: 0 });
      expect(existsSync(dir)).toBe(false);
    },
  );

  it("has nothing to do where there is no work folder", async () => {
    expect(await sweepLeftovers(join(root, "none"))).toEqual({ directories: 0, groups: 0, strays: 0 });
  });
});

describe("recordGroups", () => {
  it("keeps the list beside the folder up to date", () => {
    const dir = attempt("a");
    const read = (): unknown => JSON.parse(readFileSync(`${dir}.json`, "utf8"));
    const groups = recordGroups(dir, "j", "3.1");
    expect(read()).toEqual({ job: "j", token: "3.1", groups: [] });
    groups.started({ pgid: 7, start_time: 8 });
    expect(read()).toEqual({ job: "j", token: "3.1", groups: [{ pgid: 7, start_time: 8 }] });
    groups.ended(7);
    expect(read()).toEqual({ job: "j", token: "3.1", groups: [] });
  });
});

describe("parseStat", () => {
  it("reads a command name with spaces and brackets", () => {
    const rest = Array.from({ length: 15 }, (_, at) => String(at)).join(" ");
    expect(parseStat(`12 (a) b) S 1 77 77 ${rest} 4242 0`)).toMatchObject({ pid: 12, state: "S", pgid: 77 });
  });
  it("reads the kernel's own text", () => {
    expect(readStat(process.pid)).toMatchObject({ pid: process.pid });
    expect(readStat(process.pid)?.start_time).toBeGreaterThan(0);
  });
});

describe("a node that is killed", () => {
  it("takes its tools with it (parent-death signal)", async () => {
    const dir = attempt("a");
    const run = resolve(import.meta.dirname, "../../../worker-node/process/run.ts");
    const tool = resolve(import.meta.dirname, "../fakes/ignore-term.sh");
    const program = `
      import { runTool } from ${JSON.stringify(run)};
      await runTool([${JSON.stringify(tool)}], { dir: ${JSON.stringify(dir)}, onStdout: (line) => console.log(line) });`;
    const node = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pids = new Map<string, number>();
    for await (const line of createInterface({ input: node.stdout })) {
      const [word = "", pid] = line.split(" ");
      pids.set(word, Number(pid));
      if (pids.size === 2) break;
    }
    node.kill("SIGKILL");
    // The tool itself goes at once; `tail --pid` ends when it has.
    await once(spawn("tail", [`--pid=${pids.get("ready")}`, "-f", "/dev/null"]), "exit");
    // Its child is nobody's any more, and is what the sweep of the next start is for.
    expect(await sweepLeftovers(root)).toEqual({ directories: 1, groups: 0, strays: expect.any(Number) });
    expect(groupAlive(pids.get("ready") ?? 0)).toBe(false);
  });
});
