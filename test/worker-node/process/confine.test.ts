/** As root the node confines its tools, as anybody else it cannot: each machine runs the half that is true there. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, linkSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { beforeEach, describe, expect, it } from "vitest";
import { watchingDisk } from "../../../worker-node/media/disk.ts";
import {
  isPlainFile,
  makeFolder,
  type ToolUsers,
  toolUser,
  writeForTool,
} from "../../../worker-node/process/confine.ts";
import { killMarked } from "../../../worker-node/process/group.ts";
import { recordGroups, removeAttempt } from "../../../worker-node/process/leftovers.ts";
import { openToolUsers } from "../../../worker-node/process/open-users.ts";
import { listProcesses, userOf } from "../../../worker-node/process/proc.ts";
import { runTool } from "../../../worker-node/process/run.ts";
import { testDir } from "../../leaks.ts";
import { realTools } from "../media/tools.ts";

const IS_ROOT = process.getuid?.() === 0;
/** Half of these cannot be true on this machine; they are not skipped, they are not there. */
const describeIf = (holds: boolean) => (holds ? describe : (_title: string, _tests: () => void) => {});
const fake = (name: string): string => resolve(import.meta.dirname, "../fakes", name);

let data: string;
let workRoot: string;
let users: ToolUsers | undefined;
let why: string | null;
let dir: string;
beforeEach(async () => {
  data = await testDir("data");
  workRoot = join(data, "work");
  await mkdir(workRoot);
  ({ users, why } = await openToolUsers([data, workRoot], await realTools()));
  dir = join(workRoot, "job.1.1");
  await makeFolder(dir, users ?? null);
});

const sh = (script: string) => runTool(["/bin/sh", "-c", script], { dir, captureBytes: 100_000 });
const processesOf = (uid: number | null) =>
  (listProcesses() ?? []).filter(({ pid }) => uid !== null && userOf(pid) === uid);

/** A promise of the pid in the line `<word> <pid>`. */
function pidLine(word: string) {
  const found = Promise.withResolvers<number>();
  const onStdout = (line: string): void => {
    if (line.startsWith(`${word} `)) found.resolve(Number(line.split(" ")[1]));
  };
  return { pid: found.promise, onStdout };
}

describeIf(IS_ROOT)("a tool of a node that is root", () => {
  it("runs as the owner of its folder, without groups, capabilities or a way back", async () => {
    expect(why).toBeNull();
    const { stdout } = await sh("id -u; id -G; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status");
    const user = String(toolUser(dir));
    expect(Number(user)).toBeGreaterThanOrEqual(61_184);
    expect(stdout.split("\n").slice(0, 2)).toEqual([user, user]);
    expect(stdout.match(/0{16}/g)).toHaveLength(2);
    expect(stdout).toMatch(/NoNewPrivs:\s+1/);
  });

  it("reads neither the node's key, nor its environment, nor another attempt's folder", async () => {
    writeFileSync(join(data, "identity.json"), "private", { mode: 0o600 });
    const other = join(workRoot, "job.2.1");
    await makeFolder(other, users ?? null);
    writeFileSync(join(other, "source-0"), "theirs", { mode: 0o644 });
    writeFileSync(`${other}.json`, "{}", { mode: 0o600 });
    expect(statSync(other).uid).not.toBe(statSync(dir).uid);
    const targets = [
      join(data, "identity.json"),
      `/proc/${process.pid}/environ`,
      join(other, "source-0"),
      `${other}.json`,
    ];
    for (const target of targets) expect((await sh(`cat '${target}'`)).stderrTail, target).toMatch(/Permission denied/);
    expect((await sh(`ls '${workRoot}' || ls '${data}'`)).code).not.toBe(0);
    expect((await sh(`rm -rf '${other}'; mv '${dir}' x; : > '${workRoot}/new'`)).code).not.toBe(0);
    expect(readFileSync(join(other, "source-0"), "utf8")).toBe("theirs");
  });

  it("reads what the node wrote for it, and the node what it wrote", async () => {
    await writeForTool(join(dir, "request.json"), "asked");
    expect((await sh("cat request.json > answer; chmod 600 answer")).code).toBe(0);
    expect(readFileSync(join(dir, "answer"), "utf8")).toBe("asked");
  });

  it("dies with the node", async () => {
    const run = resolve(import.meta.dirname, "../../../worker-node/process/run.ts");
    const program = `
      import { runTool } from ${JSON.stringify(run)};
      await runTool([${JSON.stringify(fake("hang.sh"))}], { dir: ${JSON.stringify(dir)}, onStdout: (line) => console.log(line) });`;
    const node = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: node.stdout }), "line");
    const pid = Number(String(line).split(" ")[1]);
    expect(userOf(pid)).toBe(toolUser(dir));
    node.kill("SIGKILL");
    await once(spawn("tail", [`--pid=${pid}`, "-f", "/dev/null"]), "exit");
    await killMarked(dir);
  });

  it("is found although it left its group, its session, its environment and its folder", async () => {
    const vanished = pidLine("vanished");
    const stop = new AbortController();
    const running = runTool([fake("vanish.sh")], {
      dir,
      signal: stop.signal,
      graceMs: 50,
      onStdout: vanished.onStdout,
    });
    const pid = await vanished.pid;
    stop.abort();
    await running;
    expect(userOf(pid)).toBe(toolUser(dir));
    expect(await killMarked(dir)).toBeGreaterThan(0);
    expect(processesOf(toolUser(dir))).toEqual([]);
  });

  it("leaves no link and no pipe behind for the node to walk into", async () => {
    await runTool([fake("plant.sh")], { dir });
    expect(readdirSync(dir)).toEqual(["source-0"]);
  });

  it("shares its uid with no other attempt, after all of them were handed out too", async () => {
    const seen = new Set<number>([statSync(dir).uid]);
    for (let at = 0; at < 4_336; at++) {
      const other = join(workRoot, "other");
      await makeFolder(other, users ?? null);
      seen.add(statSync(other).uid);
    }
    // The range has 4,336; the one of `dir` was given once.
    expect(seen.size).toBe(4_336);
    expect(statSync(join(workRoot, "other")).uid).not.toBe(statSync(dir).uid);
  });

  it("has a process limit of its own", async () => {
    expect((await sh("cat /proc/self/limits")).stdout).toMatch(/Max processes +1024 +1024 /);
  });

  it("runs as the node where its way is closed, and the log says where", async () => {
    const closed = await testDir("closed");
    const inner = join(closed, "inner");
    await mkdir(inner, { mode: 0o700 });
    await mkdir(join(inner, "work"));
    const opened = await openToolUsers([join(inner, "work")], await realTools());
    expect(opened.users).toBeUndefined();
    expect(opened.why).toMatch(/denied|closed/i);
    expect(readdirSync(join(inner, "work"))).toEqual([]);
  });
});

describeIf(!IS_ROOT)("a tool of a node that is not root", () => {
  it("runs as the node, and the log says why", () => {
    expect(users).toBeUndefined();
    expect(why).toBe("the node is not root");
    expect(toolUser(dir)).toBeNull();
  });
});

describe("every tool", () => {
  it("has limits on memory, files and cores", async () => {
    const { stdout } = await sh("cat /proc/self/limits");
    const limit = (name: string) => Number(new RegExp(`^${name} +(\\d+)`, "m").exec(stdout)?.[1]);
    expect(limit("Max core file size")).toBe(0);
    expect(limit("Max data size")).toBeLessThanOrEqual(8 * 1024 ** 3);
    expect(limit("Max open files")).toBeLessThanOrEqual(4_096);
    expect(limit("Max file size")).toBeGreaterThan(0);
  });

  it("that grows past its memory is refused more, and fails", async () => {
    const { command } = (await realTools()).ytdlp;
    const { code, stderrTail } = await runTool([command[0] ?? "", "-c", "b = bytearray(9 << 30)"], { dir });
    expect(code).toBe(1);
    expect(stderrTail).toMatch(/MemoryError/);
  });
});

describe("what a tool leaves", () => {
  it("is a file to deliver only if it is a plain one with one name", async () => {
    const file = join(dir, "file");
    writeFileSync(file, "x");
    expect(await isPlainFile(file)).toBe(true);
    symlinkSync(file, join(dir, "link"));
    expect(await isPlainFile(join(dir, "link"))).toBe(false);
    linkSync(file, join(dir, "second"));
    expect(await isPlainFile(file)).toBe(false);
    await expect(writeForTool(join(dir, "link"), "y")).rejects.toMatchObject({ code: "ELOOP" });
  });

  const tools: [string, string[]][] = [
    ["hangs", ["hang.sh"]],
    ["ignores SIGTERM, with a child that does", ["ignore-term.sh"]],
    ["starts a session of its own", ["escape.sh"]],
    ["prints without end", ["spam.sh", "out", "1073741824"]],
  ];
  it.each(tools)(
    "is nothing, neither process nor file, when it %s and is cancelled",
    async (_what, [name = "", ...args]) => {
      const user = toolUser(dir);
      const stop = new AbortController();
      const groups = recordGroups(dir, "job", "1.1");
      let heard = 0;
      const ready = Promise.withResolvers<void>();
      const onStdout = () => {
        if (++heard === 2) ready.resolve();
      };
      const command = [fake(name), ...args];
      const running = runTool(command, {
        dir,
        signal: stop.signal,
        graceMs: 50,
        maxOutputBytes: 4e9,
        onStdout,
        groups,
      });
      if (name === "hang.sh") ready.resolve();
      await ready.promise;
      stop.abort();
      expect(await running).toMatchObject({ aborted: true });
      await removeAttempt(dir);
      expect(processesOf(user)).toEqual([]);
      expect(readdirSync(workRoot)).toEqual([]);
    },
  );

  it("is nothing when it filled the disk until it was stopped", async () => {
    const junk = join(dir, "junk");
    const room = 20_000_000;
    const free = async () =>
      128 * 1024 * 1024 +
      room -
      (await stat(junk).then(
        (found) => found.size,
        () => 0,
      ));
    const work = async (signal: AbortSignal) => {
      await runTool([fake("fill.sh")], { dir, signal, graceMs: 50 });
      signal.throwIfAborted();
    };
    const filling = watchingDisk(dir, new AbortController().signal, work, free);
    await expect(filling).rejects.toMatchObject({ class: "disk" });
    await removeAttempt(dir);
    expect(existsSync(dir)).toBe(false);
  });
});
