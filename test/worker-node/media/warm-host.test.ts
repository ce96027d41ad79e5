import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { startWarmHost, type WarmYtDlp } from "../../../worker-node/media/ytdlp/host/warm-host.ts";
import { type InstalledYtDlp, openInstalled } from "../../../worker-node/media/ytdlp/installed.ts";
import type { YtDlp, YtDlpContext } from "../../../worker-node/media/ytdlp/port.ts";
import { readStat } from "../../../worker-node/process/proc.ts";
import { findInstalledYtDlp, ToolError, type ToolOptions } from "../../../worker-node/tools.ts";
import { startOrigin } from "../../origin/server.ts";
import { FAKES, installFake } from "./private-tree.ts";
import { realTools } from "./tools.ts";
import { ytDlpConformance } from "./ytdlp.conformance.ts";

let warm: WarmYtDlp | undefined;
ytDlpConformance("warm host", async () => {
  const { ytdlp, jsRuntime } = await realTools();
  if (ytdlp.python === null) throw new Error("no interpreter");
  warm = await startWarmHost({ tool: { ...ytdlp, python: ytdlp.python }, jsRuntime, log: () => {} });
  return warm;
});
afterAll(() => warm?.stop());

let root: string;
let context: YtDlpContext;
let python: string;
const log: { event: string; fields: Record<string, unknown> }[] = [];
const events = () => log.map((line) => line.event);
const record = (_level: string, event: string, fields: Record<string, unknown> = {}) =>
  void log.push({ event, fields });

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "trawl-warm-"));
  const dir = join(root, "attempt");
  mkdirSync(dir);
  context = { dir, proxyUrl: null, signal: new AbortController().signal };
  python = (await realTools()).ytdlp.python ?? "";
  log.length = 0;
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const ask = (ytdlp: YtDlp, what: string, more: Partial<YtDlpContext> = {}) =>
  ytdlp.describe({ url: `https://example.com/${what}`, prefer: "video", entries: 1 }, { ...context, ...more });

/** A context whose request has begun when `begun` resolves, and ends by `abort`. */
function held() {
  const begun = Promise.withResolvers<number>();
  const abort = new AbortController();
  const groups = { started: ({ pgid }: { pgid: number }) => begun.resolve(pgid), ended: () => {} };
  return { begun: begun.promise, abort, context: { ...context, groups, signal: abort.signal } };
}

it("hears for how long a site that limits us wants to be left alone", async () => {
  const origin = await startOrigin();
  try {
    const request = {
      url: `${origin.url}/flaky/429/9/patience/video-360.mp4`,
      playlist: "auto",
      listLimit: 1,
    } as const;
    await expect(warm?.extract(request, context)).rejects.toMatchObject({ class: "rate", retryAfterSeconds: 1 });
  } finally {
    await origin.close();
  }
});

describe("the warm host adapter", () => {
  let ytdlp: WarmYtDlp | undefined;
  afterEach(() => ytdlp?.stop());
  const start = async (maxHostKib?: number): Promise<WarmYtDlp> => {
    const env = { PYTHONPATH: FAKES, PYTHONDONTWRITEBYTECODE: "1" };
    const tool = { command: [], env, version: "1", python, tooOld: false, takesJsRuntime: false, files: [] };
    ytdlp = await startWarmHost({ tool, jsRuntime: "/opt/node", log: record, ...(maxHostKib ? { maxHostKib } : {}) });
    return ytdlp;
  };

  it("fails what runs with class lost when its host is killed, and starts another for the next request", async () => {
    const ytdlp = await start();
    const before = ytdlp.hostPid ?? 0;
    const { begun, context } = held();
    const running = ask(ytdlp, "hang", context);
    await begun;
    process.kill(before, "SIGKILL");
    await expect(running).rejects.toMatchObject({ name: "MediaFailure", class: "lost" });
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "2026.08.01" });
    expect(ytdlp.hostPid).not.toBe(before);
    expect(events()).toEqual(["ytdlp.host_ended"]);
  });

  it.each([
    ["abort", "media"],
    ["exit", "media"],
    ["spam", "unsupported"],
  ])("fails the one request whose child does %s with class %s, and keeps its host", async (what, expected) => {
    const ytdlp = await start();
    const before = ytdlp.hostPid;
    await expect(ask(ytdlp, what)).rejects.toMatchObject({ name: "MediaFailure", class: expected });
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "2026.08.01" });
    expect(ytdlp.hostPid).toBe(before);
  });

  it("replaces a host that has grown past its limit, without ending what runs in it", async () => {
    const ytdlp = await start(1);
    const before = ytdlp.hostPid ?? 0;
    const { begun, abort, context } = held();
    const running = ask(ytdlp, "hang", context);
    const child = await begun;
    await ask(ytdlp, "version");
    await ask(ytdlp, "version");
    expect(ytdlp.hostPid).not.toBe(before);
    expect(events()).toContain("ytdlp.host_recycled");
    expect(readStat(child)?.state).toMatch(/[RSD]/);
    abort.abort();
    await expect(running).rejects.toMatchObject({ class: "cancelled" });
    expect(events()).not.toContain("ytdlp.host_ended");
  });
});

describe("the installed yt-dlp", () => {
  let ytdlp: InstalledYtDlp | undefined;
  afterEach(() => ytdlp?.stop());

  const install = (version: string) => installFake(join(root, ".trawl/tools"), version, python);
  const options: () => ToolOptions = () => ({ env: { PATH: "/usr/bin:/bin" }, checkout: root });
  const open = async (onChange?: (now: InstalledYtDlp) => void): Promise<InstalledYtDlp> => {
    const find = () => findInstalledYtDlp(options());
    const tool = await find();
    ytdlp = await openInstalled({ tool, find, jsRuntime: "/opt/node", log: record, ...(onChange ? { onChange } : {}) });
    return ytdlp;
  };

  it("is the new one for the request after an update, while what runs goes on with the old one", async () => {
    install("2026.08.01");
    const told: string[] = [];
    const ytdlp = await open((now) => told.push(`${now.version} ${now.kind}`));
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "2026.08.01" });
    const { begun, abort, context } = held();
    const running = ask(ytdlp, "hang", context);
    const child = await begun;
    install("2026.09.02");
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "2026.09.02" });
    expect(ytdlp.version).toBe("2026.09.02");
    expect(told).toEqual(["2026.09.02 warm-host"]);
    expect(readStat(child)?.state).toMatch(/[RSD]/);
    abort.abort();
    await expect(running).rejects.toMatchObject({ class: "cancelled" });
  });

  it("looks once for requests that come together, and not again when nothing has changed", async () => {
    install("2026.08.01");
    let looks = 0;
    const find = async () => {
      looks++;
      return findInstalledYtDlp(options());
    };
    ytdlp = await openInstalled({ tool: await find(), find, jsRuntime: "/opt/node", log: record });
    install("2026.09.02");
    const answers = await Promise.all([1, 2, 3].map(() => ask(ytdlp as InstalledYtDlp, "version")));
    expect(answers.map((answer) => answer.title)).toEqual(Array(3).fill("2026.09.02"));
    await ytdlp.refresh();
    expect(looks).toBe(2);
  });

  it("says which solver scripts it has, and notices when they come", async () => {
    install("2026.08.01");
    const ytdlp = await open();
    expect(ytdlp.solver).toBe("none");
    const scripts = join(root, ".trawl/tools/usr/lib/python3/dist-packages/yt_dlp_ejs");
    mkdirSync(scripts);
    writeFileSync(join(scripts, "__init__.py"), 'version = "0.8.0"\n');
    await ytdlp.refresh();
    expect(ytdlp.solver).toBe("0.8.0");
  });

  it("goes on with what it has while an update is half way, and finds the new one then", async () => {
    install("2026.08.01");
    const ytdlp = await open();
    renameSync(join(root, ".trawl/tools"), join(root, "old"));
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "2026.08.01" });
    expect(events()).toEqual(["ytdlp.not_found"]);
    install("2026.09.02");
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "2026.09.02" });
  });

  it("is kept warm out of a zip archive too, as the project releases it", async () => {
    const make = (version: string) => {
      const source = join(root, `source-${version}`);
      cpSync(FAKES, source, { recursive: true });
      writeFileSync(join(source, "yt_dlp/version.py"), `__version__ = "${version}"\n`);
      writeFileSync(join(source, "__main__.py"), `print("${version}")\n`);
      const archive = join(root, `yt-dlp-${version}`);
      execFileSync(python, ["-m", "zipapp", source, "-o", archive, "-p", python]);
      chmodSync(archive, 0o755);
      renameSync(archive, join(root, "yt-dlp"));
    };
    make("2026.08.01");
    const named = { env: { PATH: "/usr/bin:/bin", TRAWL_YTDLP: join(root, "yt-dlp") }, checkout: root };
    const find = () => findInstalledYtDlp(named);
    ytdlp = await openInstalled({ tool: await find(), find, jsRuntime: "/opt/node", log: record });
    expect(ytdlp.kind).toBe("warm-host");
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "2026.08.01" });
    make("2026.09.02");
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "2026.09.02" });
  });

  it("is run by its command line where yt_dlp cannot be imported, and that is logged", async () => {
    install("2026.08.01");
    rmSync(join(root, ".trawl/tools/usr/lib"), { recursive: true });
    const find = () => findInstalledYtDlp(options());
    const script = join(root, ".trawl/tools/usr/bin/yt-dlp");
    writeFileSync(
      script,
      `#!${python}\nimport sys\nprint("2026.08.01" if "--version" in sys.argv else '{"title":"cold"}')\n`,
    );
    ytdlp = await openInstalled({ tool: await find(), find, jsRuntime: "/opt/node", log: record });
    expect(ytdlp.kind).toBe("command-line");
    expect(log).toEqual([{ event: "ytdlp.no_host", fields: { error: expect.stringContaining("No module named") } }]);
    expect(await ask(ytdlp, "version")).toMatchObject({ title: "cold" });
  });

  it("is not to be had when there is none", async () => {
    await expect(findInstalledYtDlp(options())).rejects.toThrow(ToolError);
  });
});
