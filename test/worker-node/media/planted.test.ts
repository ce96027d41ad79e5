/** What lies in yt-dlp's way to tempt it: configuration, plugins, modules, passwords. Each would leave a mark. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { commandLineYtDlp } from "../../../worker-node/media/ytdlp/command-line.ts";
import type { YtDlp } from "../../../worker-node/media/ytdlp/port.ts";
import type { Tools } from "../../../worker-node/tools.ts";
import { testDir } from "../../leaks.ts";
import { type Origin, startOrigin } from "../../origin/server.ts";
import { realTools } from "./tools.ts";

const PLACES = {
  configurations: [
    "yt-dlp.conf",
    ".config/yt-dlp.conf",
    ".config/yt-dlp/config",
    ".config/yt-dlp/config.txt",
    ".yt-dlp/config",
    "yt-dlp.conf.txt",
    ".config/youtube-dl/config",
  ],
  plugins: [
    "yt_dlp_plugins/extractor/planted.py",
    ".config/yt-dlp/plugins/p/yt_dlp_plugins/extractor/planted.py",
    ".config/yt-dlp-plugins/p/yt_dlp_plugins/postprocessor/planted.py",
    ".yt-dlp/plugins/p/yt_dlp_plugins/extractor/planted.py",
    "yt-dlp-plugins/p/yt_dlp_plugins/extractor/planted.py",
    "ytdlp_plugins/extractor/planted.py",
  ],
  modules: [
    "json.py",
    "yt_dlp/__init__.py",
    "sitecustomize.py",
    "usercustomize.py",
    "mutagen.py",
    "requests.py",
    "certifi.py",
  ],
  sites: ["3.10", "3.11", "3.12", "3.13", "3.14"].map(
    (one) => `.local/lib/python${one}/site-packages/usercustomize.py`,
  ),
};

let origin: Origin;
let tools: Tools;
let ytdlp: YtDlp;
let dir: string;
let mark: string;
beforeAll(async () => {
  [origin, tools] = await Promise.all([startOrigin(), realTools()]);
  ytdlp = commandLineYtDlp(tools.ytdlp, tools.jsRuntime);
});
afterAll(() => origin.close());
beforeEach(async () => {
  dir = await testDir("planted");
  mark = join(dir, "planted-was-here");
});

async function plant(path: string): Promise<void> {
  await mkdir(dirname(join(dir, path)), { recursive: true });
  const python = `open(${JSON.stringify(mark)}, "a").write(${JSON.stringify(`${path}\n`)})\n`;
  // Printing before the look works for every kind of run.
  const configuration = `--print-to-file pre_process:${path} ${mark}\n--print-to-file video:${path} ${mark}\n`;
  await writeFile(join(dir, path), path.endsWith(".py") ? python : configuration);
}

/** yt-dlp as a careless program would run it: in the folder, with it as its home. */
async function careless(env: Record<string, string>): Promise<void> {
  const [python = "", script = ""] = tools.ytdlp.command;
  const args = [script, "--proxy", "", "--simulate", `${origin.url}/video-360.mp4`];
  const modules = tools.ytdlp.env.PYTHONPATH ?? "";
  const environment = { PATH: "/usr/bin:/bin", HOME: dir, ...env };
  const PYTHONPATH = [env.PYTHONPATH, modules].filter(Boolean).join(":");
  await promisify(execFile)(python, args, { cwd: dir, env: { ...environment, PYTHONPATH } }).catch(() => {});
}

describe("what is planted in the attempt's folder", () => {
  it("would be obeyed by a yt-dlp that is not closed to it", async () => {
    for (const path of [
      ".config/yt-dlp/config",
      ".config/yt-dlp/plugins/p/yt_dlp_plugins/extractor/planted.py",
      "sitecustomize.py",
    ])
      await plant(path);
    await careless({});
    expect(existsSync(mark)).toBe(true);
    await rm(mark);
    await rm(join(dir, ".config"), { recursive: true });
    await careless({ PYTHONPATH: dir });
    expect(existsSync(mark)).toBe(true);
  });

  it("has no effect on a look and a download", async () => {
    for (const path of Object.values(PLACES).flat()) await plant(path);
    await writeFile(join(dir, ".netrc"), "machine 127.0.0.1 login planted password planted\n", { mode: 0o600 });
    // The node's own environment says so too, and is not passed on.
    const before = { ...process.env };
    Object.assign(process.env, {
      PYTHONPATH: dir,
      PYTHONSTARTUP: join(dir, "json.py"),
      XDG_CONFIG_HOME: join(dir, ".config"),
      YTDLP_NO_PLUGINS: "",
      HTTP_PROXY: "http://127.0.0.1:9/",
    });
    try {
      const context = { dir, proxyUrl: null, signal: new AbortController().signal };
      const asked = origin.requests.length;
      await ytdlp.extract({ url: `${origin.url}/video-360.mp4`, playlist: "auto", listLimit: 1 }, context);
      await ytdlp.download({ formatId: "mp4", fileName: "source-0", maxBytes: null, onProgress: () => {} }, context);
      expect(existsSync(join(dir, "source-0"))).toBe(true);
      expect(existsSync(mark)).toBe(false);
      const sent = origin.requests.slice(asked);
      expect(sent.length).toBeGreaterThan(1);
      expect(sent.some((one) => one.headers.authorization !== undefined)).toBe(false);
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
    }
  });
});
