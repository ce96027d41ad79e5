/** The warm host against a yt_dlp that crashes, hangs, forks and spams (`fakes/python`). */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { createServer, rootCertificates } from "node:tls";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostProcess } from "../../../worker-node/media/ytdlp/host/host-process.ts";
import { groupAlive, killMarked } from "../../../worker-node/process/group.ts";
import { readStat } from "../../../worker-node/process/proc.ts";
import { type RunOptions, runTool } from "../../../worker-node/process/run.ts";
import { testDir } from "../../leaks.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../egress/certificate.ts";
import { realTools } from "./tools.ts";

const MODULES = resolve(import.meta.dirname, "../fakes/python");
let python: string;
let dir: string;
let host: HostProcess;
let ended: PromiseWithResolvers<string>;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "trawl-host-"));
  python = (await realTools()).ytdlp.python ?? "";
  ended = Promise.withResolvers();
  const env = { PYTHONPATH: MODULES, PYTHONDONTWRITEBYTECODE: "1" };
  host = new HostProcess({ python, env, onEnd: (said) => ended.resolve(said) });
  await host.ready;
});
afterEach(async () => {
  await host.stop();
  rmSync(dir, { recursive: true, force: true });
});

const run = (what: string, options: Partial<RunOptions> = {}) =>
  runTool(["--", what], { dir, launch: (argv, more) => host.fork(argv, more), ...options });
const about = async (env?: Record<string, string>) =>
  JSON.parse((await run("about", { captureBytes: 1e6, ...(env === undefined ? {} : { env }) })).stdout);

/** The pid that the fake prints behind this word. */
function told(word: string) {
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

/** Resolves when a process that is no child of ours has gone. */
const ending = (pid: number) => promisify(execFile)("tail", ["-s", "0.01", "--pid", String(pid), "-f", "/dev/null"]);

describe("the warm host", () => {
  it("says which yt_dlp it has imported, and that the solver scripts are missing", async () => {
    expect(await host.ready).toEqual({ version: "2026.08.01", file: join(MODULES, "yt_dlp/__init__.py"), ejs: null });
  });

  it("gives a request an environment from scratch, its own folder, its arguments and three open files", async () => {
    process.env.TRAWL_SECRET = "hidden";
    const seen = await about({ EXTRA: "1" });
    delete process.env.TRAWL_SECRET;
    // Where the machine's certificates lie in a hashed folder, the bundle is switched off besides (see below).
    const names = Object.keys(seen.environ).filter((name) => name !== "SSL_CERT_FILE");
    expect(names.sort()).toEqual(["EXTRA", "HOME", "LANG", "PATH", "TMPDIR", "TRAWL_ATTEMPT_DIR"]);
    expect(seen).toMatchObject({ cwd: dir, argv: ["--", "about"], environ: { HOME: dir, TRAWL_ATTEMPT_DIR: dir } });
    // The fourth is the folder that it was reading just then.
    expect(seen.files).toEqual([0, 1, 2, 3]);
    // The current folder is full of a stranger's files: nothing may be imported from there.
    expect(seen.path).not.toContain("");
    expect(seen.score).toBe("500");
  });

  it("takes a request's rights away before yt-dlp has its turn, and nothing of it can get them back", async () => {
    expect((await about()).limits[0]).toBe(0);
    const user = process.getuid?.() === 0 ? 61_200 : null;
    if (user !== null) {
      chownSync(dir, user, user);
      chmodSync(tmpdir(), 0o711);
    }
    const env = { PYTHONPATH: MODULES, PYTHONDONTWRITEBYTECODE: "1" };
    const confinement = () => ({ user, limits: { core: 0, nofile: 123 } });
    const confined = new HostProcess({ python, env, confinement, onEnd: () => {} });
    await confined.ready;
    const { stdout } = await run("about", { captureBytes: 1e6, launch: (argv, more) => confined.fork(argv, more) });
    const seen = JSON.parse(stdout);
    expect(seen.limits).toEqual([0, 123]);
    expect(seen.status).toMatch(/^NoNewPrivs:\t1$/m);
    if (user !== null) {
      expect(seen.ids).toEqual(Array(6).fill(user));
      expect(seen.status).toMatch(/^CapEff:\t0+$/m);
      expect(seen.status).toMatch(/^CapBnd:\t0+$/m);
    }
    await confined.stop();
  });

  it("runs nothing when it cannot take the rights away", async () => {
    const env = { PYTHONPATH: MODULES, PYTHONDONTWRITEBYTECODE: "1" };
    const confinement = () => ({ user: null, limits: { nothing: 1 } });
    const broken = new HostProcess({ python, env, confinement, onEnd: () => {} });
    await broken.ready;
    const result = await run("about", { captureBytes: 1e6, launch: (argv, more) => broken.fork(argv, more) });
    expect(result).toMatchObject({ code: 1, stdout: "", stderrTail: expect.stringContaining("RLIMIT_NOTHING") });
    await broken.stop();
  });

  it("starts each request from the same state, whatever the one before did", async () => {
    expect((await about()).seen).toEqual(["about"]);
    await run("exit");
    expect((await about()).seen).toEqual(["about"]);
  });

  it.each([
    ["abort", { code: null, signal: "SIGABRT" }],
    ["exit", { code: 7, signal: null, stderrTail: "last words" }],
    ["raise", { code: 1, stderrTail: expect.stringContaining("RuntimeError: a fault of the extractor") }],
    ["bytes", { code: 1, stdout: "\ufffd\ufffd{\n\0", stderrTail: "ERROR: no text" }],
  ])("ends one request and no other when its child does %s", async (what, expected) => {
    const other = told("ready");
    const abort = new AbortController();
    const hanging = run("hang", { onStdout: other.onStdout, signal: abort.signal });
    const pid = await other.pid;
    expect(await run(what, { captureBytes: 1_000 })).toMatchObject({ lost: false, missing: false, ...expected });
    expect(alive(pid)).toBe(true);
    abort.abort();
    expect(await hanging).toMatchObject({ aborted: true, signal: "SIGTERM" });
    expect(host.alive).toBe(true);
  });

  it("runs each request in a process group of its own and kills it with its grandchildren", async () => {
    const child = told("child");
    const pgids: number[] = [];
    const abort = new AbortController();
    const groups = { started: (group: { pgid: number }) => void pgids.push(group.pgid), ended: () => {} };
    const running = run("stubborn", { signal: abort.signal, graceMs: 50, groups, onStdout: child.onStdout });
    const grandchild = await child.pid;
    expect(readStat(grandchild)?.pgid).toBe(pgids[0]);
    expect(pgids[0]).not.toBe(host.pid);
    abort.abort();
    expect(await running).toMatchObject({ aborted: true, signal: "SIGKILL" });
    expect(alive(grandchild)).toBe(false);
    expect(pgids.filter(groupAlive)).toEqual([]);
  });

  it("tells the start time by which a dead node's groups are known again", async () => {
    const seen: { pgid: number; start_time: number }[] = [];
    const ready = told("ready");
    const abort = new AbortController();
    const groups = { started: (group: { pgid: number; start_time: number }) => void seen.push(group), ended: () => {} };
    const running = run("hang", { signal: abort.signal, groups, onStdout: ready.onStdout });
    const pid = await ready.pid;
    expect(seen).toEqual([{ pgid: pid, start_time: readStat(pid)?.start_time }]);
    abort.abort();
    await running;
  });

  it("ends what a request leaves behind in its group, and does not wait for its streams", async () => {
    const child = told("child");
    expect(await run("leave", { onStdout: child.onStdout })).toMatchObject({ code: 0 });
    expect(alive(await child.pid)).toBe(false);
  });

  it("kills a request before it has begun when it is aborted in the same turn", async () => {
    const abort = new AbortController();
    const running = run("hang", { signal: abort.signal });
    abort.abort();
    expect(await running).toMatchObject({ aborted: true });
  });

  it("ends a request that prints past its cap, and serves others meanwhile", async () => {
    const spamming = run("spam", { maxOutputBytes: 32e6 });
    expect((await about()).version).toBe("2026.08.01");
    expect(await spamming).toMatchObject({ overflow: true });
  });

  it("hands on 12 MB of output whole and in order", async () => {
    const lines: string[] = [];
    await run("large", { onStdout: (line) => lines.push(line) });
    expect(lines.map((line) => Number.parseInt(line, 10))).toEqual(Array.from({ length: 200 }, (_, at) => at));
    expect(lines.every((line) => line.endsWith("y".repeat(60_000)))).toBe(true);
  });

  it("leaves no zombie", async () => {
    await Promise.all(Array.from({ length: 8 }, () => run("exit")));
    // The kernel's list of its children has the dead ones too.
    expect(readFileSync(`/proc/${host.pid}/task/${host.pid}/children`, "utf8")).toBe("");
  });

  it("loses its requests when it is killed, and they end at once, grandchildren included", async () => {
    const child = told("child");
    const running = run("stubborn", { onStdout: child.onStdout });
    const grandchild = await child.pid;
    process.kill(host.pid ?? 0, "SIGKILL");
    expect(await running).toMatchObject({ lost: true, code: null });
    expect(alive(grandchild)).toBe(false);
    expect(await ended.promise).toBe("the yt-dlp host ended");
    expect(await run("about")).toMatchObject({ lost: true });
  });

  it("ends its requests when it is stopped", async () => {
    const ready = told("ready");
    const running = run("stubborn", { onStdout: ready.onStdout });
    const pid = await ready.pid;
    await host.stop();
    expect(await running).toMatchObject({ lost: true });
    expect(alive(pid)).toBe(false);
  });

  it("finishes what runs when it is retired, and goes then", async () => {
    const ready = told("ready");
    const abort = new AbortController();
    const running = run("hang", { signal: abort.signal, onStdout: ready.onStdout });
    await ready.pid;
    host.retire();
    abort.abort();
    expect(await running).toMatchObject({ aborted: true, lost: false });
    await ended.promise;
    expect(host.alive).toBe(false);
  });

  it("dies with the node, and its children with it, when the node is killed", async () => {
    const script = resolve(import.meta.dirname, "../fakes/hold-host.ts");
    const holder = spawn(process.execPath, [script, python, MODULES], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, TMPDIR: await testDir() },
    });
    const pids = new Map<string, number[]>();
    let attempt = "";
    for await (const line of createInterface({ input: holder.stdout })) {
      const [word = "", ...numbers] = line.split(" ");
      if (word === "attempt") {
        attempt = line.slice("attempt ".length);
        continue;
      }
      pids.set(word, numbers.map(Number));
      if (pids.size === 2) break;
    }
    const [child = 0, held = 0] = pids.get("ready") ?? [];
    const [grandchild = 0] = pids.get("child") ?? [];
    const gone = Promise.all([child, held].map(ending));
    holder.kill("SIGKILL");
    await gone;
    // The host may see its stdin end before its own death signal, and takes the grandchild with it; if not, the next start
    // of the node finds it by its attempt folder.
    await killMarked(attempt);
    expect(alive(grandchild)).toBe(false);
  });
});

describe("the certificates that a request trusts", () => {
  /** What OpenSSL calls the subject of the test certificate. */
  const HASHED_NAME = "6f7e0c49.0";

  /** A request to a server with the test certificate, under a host whose bundle and folder hold these. */
  async function tls(bundle: string, folder: Record<string, string>) {
    const certs = join(dir, "certs");
    mkdirSync(certs);
    for (const [name, text] of Object.entries(folder)) writeFileSync(join(certs, name), text);
    writeFileSync(join(dir, "bundle.pem"), bundle);
    const trust = { SSL_CERT_FILE: join(dir, "bundle.pem"), SSL_CERT_DIR: certs };
    const env = { PYTHONPATH: MODULES, PYTHONDONTWRITEBYTECODE: "1" };
    const trusting = new HostProcess({ python, env: { ...env, ...trust }, onEnd: () => {} });
    const server = createServer({ key: TEST_KEY, cert: TEST_CERTIFICATE });
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      await trusting.ready;
      return await runTool(["--", `https://127.0.0.1:${(server.address() as AddressInfo).port}/tls`], {
        dir,
        captureBytes: 1e6,
        env: { SSL_CERT_DIR: certs },
        launch: (argv, more) => trusting.fork(argv, more),
      });
    } finally {
      await trusting.stop();
      server.close();
    }
  }

  it("are read from the hashed folder as they are needed, where it has all of the bundle", async () => {
    const { stdout, stderrTail } = await tls(TEST_CERTIFICATE, { [HASHED_NAME]: TEST_CERTIFICATE });
    expect(JSON.parse(stdout || stderrTail)).toEqual({ bundle: "/dev/null", read: 1 });
  });

  it.each([
    ["lacks one of them", { [HASHED_NAME]: TEST_CERTIFICATE }, `${TEST_CERTIFICATE}${rootCertificates[0]}\n`],
    ["is not hashed", { "media.pem": TEST_CERTIFICATE }, TEST_CERTIFICATE],
    ["is empty", {}, TEST_CERTIFICATE],
  ])("come from the bundle where the folder %s", async (_, folder, bundle) => {
    const { stdout, stderrTail } = await tls(bundle, folder);
    // The child's own bundle is the machine's, which does not know the test certificate.
    if (HASHED_NAME in folder) expect(JSON.parse(stdout)).toMatchObject({ bundle: null });
    else expect(stderrTail).toContain("CERTIFICATE_VERIFY_FAILED");
  });
});

describe("a host that cannot start", () => {
  it("rejects with what Python said", async () => {
    const broken = new HostProcess({ python, env: { PYTHONPATH: "/nonexistent" }, onEnd: () => {} });
    await expect(broken.ready).rejects.toThrow(/No module named 'yt_dlp'/);
    const missing = new HostProcess({ python: "/nonexistent/python3", env: {}, onEnd: () => {} });
    await expect(missing.ready).rejects.toThrow(/nonexistent/);
    await Promise.all([broken.stop(), missing.stop()]);
  });
});
