import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { groupAlive, killMarked } from "../../../worker-node/process/group.ts";
import { readStat } from "../../../worker-node/process/proc.ts";
import { MAX_LINE_BYTES, runTool } from "../../../worker-node/process/run.ts";

const fake = (name: string): string => resolve(import.meta.dirname, "../fakes", name);
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "trawl-run-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** A promise of the pid in the line `<word> <pid>`. */
function pidLine(word: string) {
  const found = Promise.withResolvers<number>();
  const onStdout = (line: string): void => {
    if (line.startsWith(`${word} `)) found.resolve(Number(line.split(" ")[1]));
  };
  return { pid: found.promise, onStdout };
}

const alive = (pid: number): boolean => {
  const stat = readStat(pid);
  return stat !== null && stat.state !== "Z";
};

describe("runTool", () => {
  it("answers code, captured output and the end of stderr", async () => {
    const result = await runTool(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], { dir, captureBytes: 100 });
    expect(result).toMatchObject({ code: 3, signal: null, stdout: "out\n", stderrTail: "err" });
    expect(result).toMatchObject({ aborted: false, timedOut: false, overflow: false, missing: false });
  });

  it("gives the tool an environment from scratch and the attempt folder as its home", async () => {
    process.env.TRAWL_SECRET = "hidden";
    const result = await runTool(["/usr/bin/env"], { dir, captureBytes: 10_000, env: { EXTRA: "1" } });
    delete process.env.TRAWL_SECRET;
    const names = result.stdout
      .trim()
      .split("\n")
      .map((line) => line.split("=")[0]);
    expect(names.sort()).toEqual(["EXTRA", "HOME", "LANG", "PATH", "TMPDIR", "TRAWL_ATTEMPT_DIR"]);
    expect(result.stdout).toContain(`HOME=${dir}\n`);
  });

  it("says that a program is missing", async () => {
    const result = await runTool(["/nonexistent/tool"], { dir });
    expect(result).toMatchObject({ missing: true, code: 127 });
  });

  it("starts nothing when it is aborted beforehand", async () => {
    const result = await runTool(["/usr/bin/touch", "made"], { dir, signal: AbortSignal.abort() });
    expect(result.aborted).toBe(true);
    expect(() => readFileSync(join(dir, "made"))).toThrow();
  });

  it("ends a tool on abort by SIGTERM", async () => {
    const ready = pidLine("ready");
    const abort = new AbortController();
    const running = runTool([fake("hang.sh")], { dir, signal: abort.signal, onStdout: ready.onStdout });
    const pid = await ready.pid;
    abort.abort();
    expect(await running).toMatchObject({ aborted: true, signal: "SIGTERM" });
    expect(alive(pid)).toBe(false);
  });

  it("kills a group that ignores SIGTERM, the grandchild too, after the grace", async () => {
    const child = pidLine("child");
    const abort = new AbortController();
    const running = runTool([fake("ignore-term.sh")], {
      dir,
      signal: abort.signal,
      graceMs: 50,
      onStdout: child.onStdout,
    });
    const pid = await child.pid;
    abort.abort();
    expect(await running).toMatchObject({ aborted: true, signal: "SIGKILL" });
    expect(alive(pid)).toBe(false);
  });

  it("ends a tool that hangs past its time limit", async () => {
    const result = await runTool([fake("hang.sh")], { dir, timeoutMs: 30 });
    expect(result).toMatchObject({ timedOut: true, aborted: false });
  });

  it("ends what a tool leaves behind in its group, and does not wait for its pipes", async () => {
    const left = pidLine("left");
    const result = await runTool([fake("leave-behind.sh")], { dir, onStdout: left.onStdout });
    expect(result.code).toBe(0);
    expect(alive(await left.pid)).toBe(false);
  });

  it("finds a grandchild that left the group by its attempt folder", async () => {
    const escaped = pidLine("escaped");
    const abort = new AbortController();
    const running = runTool([fake("escape.sh")], {
      dir,
      signal: abort.signal,
      graceMs: 50,
      onStdout: escaped.onStdout,
    });
    const pid = await escaped.pid;
    abort.abort();
    await running;
    expect(alive(pid)).toBe(true);
    expect(await killMarked(dir)).toBeGreaterThan(0);
    expect(alive(pid)).toBe(false);
  });

  it("reads 100 MB of lines without keeping them", async () => {
    let lines = 0;
    const result = await runTool([fake("spam.sh")], { dir, maxOutputBytes: 200e6, onStdout: () => lines++ });
    expect(result.code).toBe(0);
    expect(lines).toBeGreaterThan(1_600_000);
  });

  it.each(["out", "err"])("ends a tool that prints past the cap on std%s", async (stream) => {
    const result = await runTool([fake("spam.sh"), stream], { dir, maxOutputBytes: 1_000_000 });
    expect(result.overflow).toBe(true);
    expect(result.stderrTail.length).toBeLessThanOrEqual(17_000);
  });

  it("ends a tool whose captured answer grows past its cap", async () => {
    const result = await runTool([fake("spam.sh")], { dir, captureBytes: 100_000 });
    expect(result.overflow).toBe(true);
    expect(result.stdout.length).toBeLessThanOrEqual(100_000);
  });

  it("cuts an endless line and goes on with the next", async () => {
    const lines: string[] = [];
    await runTool([fake("one-line.sh")], { dir, onStdout: (line) => lines.push(line) });
    expect(lines.map((line) => line.length)).toEqual([MAX_LINE_BYTES, 4]);
  });

  it("tells the log of each group, with the start time by which it is known again", async () => {
    const log: unknown[] = [];
    let pgid = 0;
    await runTool(["/bin/true"], {
      dir,
      groups: {
        started(group) {
          pgid = group.pgid;
          log.push("started", group.start_time > 0);
        },
        ended: (ended) => log.push("ended", ended === pgid),
      },
    });
    expect(log).toEqual(["started", true, "ended", true]);
    expect(groupAlive(pgid)).toBe(false);
  });
});
