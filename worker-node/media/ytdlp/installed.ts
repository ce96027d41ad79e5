/**
 * The yt-dlp that is installed now. A node lives for weeks and yt-dlp is renewed under it: when its files change, the next
 * request looks for it anew, and what runs goes on with what it began with.
 */
import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Log } from "../../log.ts";
import type { YtDlpTool } from "../../tools.ts";
import { commandLineYtDlp } from "./command-line.ts";
import { startWarmHost, type WarmYtDlp } from "./host/warm-host.ts";
import type { YtDlp } from "./port.ts";

export interface InstalledOptions {
  tool: YtDlpTool;
  jsRuntime: string;
  log: Log;
  /** Looks for yt-dlp again, by the same rules as at the start. */
  find(): Promise<YtDlpTool>;
  /** Another version, or another adapter, is in use. */
  onChange?(ytdlp: InstalledYtDlp): void;
}

export interface InstalledYtDlp extends YtDlp {
  /** Version of the solver scripts for sites that need JavaScript; `none` without them, null when it cannot be told. */
  readonly solver: string | null;
  /** Looks whether the files have changed; a request does it by itself. */
  refresh(): Promise<void>;
  /** Ends the host and all that runs in it. */
  stop(): Promise<void>;
}

interface Open {
  tool: YtDlpTool;
  ytdlp: YtDlp;
  host: WarmYtDlp | null;
  files: readonly string[];
  /** Of the files as they were when they were read. */
  print: string;
}

/** @example const ytdlp = await openInstalled({ tool: tools.ytdlp, jsRuntime: tools.jsRuntime, find, log }); */
export async function openInstalled(options: InstalledOptions): Promise<InstalledYtDlp> {
  const { log, find, onChange } = options;
  let now = await open(options.tool, options);
  let changing: Promise<void> | null = null;
  let stopped = false;

  const change = async (): Promise<void> => {
    let next: Open;
    const print = fingerprint(now.files);
    try {
      next = await open(await find(), options);
    } catch (error) {
      // An update moves the old tree away before the new one is in its place; the next look finds it.
      log("warn", "ytdlp.not_found", { error: (error as Error).message });
      now = { ...now, print };
      return;
    }
    const before = now;
    now = next;
    before.host?.retire();
    if (stopped) await next.host?.stop();
    log("info", "ytdlp.changed", { version: next.tool.version, adapter: next.ytdlp.kind });
    onChange?.(installed);
  };
  const refresh = async (): Promise<void> => {
    if (stopped || (changing === null && fingerprint(now.files) === now.print)) return;
    changing ??= change().finally(() => {
      changing = null;
    });
    await changing;
  };
  const current = async (): Promise<YtDlp> => {
    await refresh();
    return now.ytdlp;
  };
  const installed: InstalledYtDlp = {
    get kind() {
      return now.ytdlp.kind;
    },
    get version() {
      return now.tool.version;
    },
    get answersQuestions() {
      return now.ytdlp.answersQuestions;
    },
    get solver() {
      return now.host === null ? null : (now.host.host.ejs ?? "none");
    },
    extract: async (request, context) => (await current()).extract(request, context),
    describe: async (request, context) => (await current()).describe(request, context),
    // What was looked at by one version is downloaded by whichever is there: the request file is plain data.
    download: async (request, context) => (await current()).download(request, context),
    subtitle: async (request, context) => (await current()).subtitle(request, context),
    thumbnail: async (request, context) => (await current()).thumbnail(request, context),
    ask: async (question, context) => (await current()).ask(question, context),
    run: async (build, context, more) => (await current()).run(build, context, more),
    refresh,
    async stop() {
      stopped = true;
      await changing;
      await now.host?.stop();
    },
  };
  return installed;
}

async function open(tool: YtDlpTool, { jsRuntime, log }: InstalledOptions): Promise<Open> {
  const { python, files } = tool;
  // Before anything is read: what changes meanwhile is found by the next look.
  const print = fingerprint(files);
  if (python !== null) {
    try {
      const host = await startWarmHost({ tool: { ...tool, python }, jsRuntime, log });
      // The modules may lie elsewhere than the script: a virtual environment, the system's packages.
      const imported = join(dirname(host.host.file), "version.py");
      return { tool, ytdlp: host, host, files: [...files, imported], print: `${print} ${fingerprint([imported])}` };
    } catch (error) {
      log("warn", "ytdlp.no_host", { error: (error as Error).message });
    }
  }
  return { tool, ytdlp: commandLineYtDlp(tool, jsRuntime), host: null, files, print };
}

/** Which files these are: inode, time and size of each; a tree that was replaced by a rename differs in the first. */
function fingerprint(files: readonly string[]): string {
  return files
    .map((path) => {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      return stat === undefined ? "none" : `${stat.ino}.${stat.mtimeNs}.${stat.size}`;
    })
    .join(" ");
}
