/**
 * Which yt-dlp this node runs: `TRAWL_YTDLP`, else the one on PATH if it is new enough, else the checkout's own
 * `.trawl/tools` (a Debian package unpacked there by the set-up).
 */
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { isOlder } from "../../../shared/ytdlp-version.ts";
import { ask, findOnPath, isExecutable, ToolError } from "../../process/executables.ts";
import type { ToolOptions, YtDlpTool } from "../../tools.ts";

/** yt-dlp needs 3.10; newest first, for the case that the interpreter in its first line does not exist. */
const PYTHON_NAMES = ["python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python3"];
const MAX_SHEBANG_BYTES = 256;

interface Candidate {
  script: string;
  /** Where its modules are, when that is not where the interpreter looks. */
  modules: string | null;
  /** Taken whatever its age: the operator named it, or there is nothing else. */
  named: boolean;
}

/** @throws ToolError when there is none; its text says how to get one. */
export async function findYtDlp(options: ToolOptions & { minimum: string }): Promise<YtDlpTool> {
  const rejected: string[] = [];
  for (const candidate of candidates(options)) {
    const tool = await tryCandidate(candidate, options);
    if (tool !== null && (candidate.named || !tool.tooOld)) return tool;
    rejected.push(tool === null ? `${candidate.script} does not run` : `${candidate.script} is of ${tool.version}`);
  }
  const why = rejected.length === 0 ? "none was found" : rejected.join("; ");
  throw new ToolError(
    `no yt-dlp of ${options.minimum} or newer (${why}): run scripts/setup.sh in the checkout, or install one (pipx install yt-dlp) and set TRAWL_YTDLP to it`,
  );
}

function candidates(options: ToolOptions): Candidate[] {
  const set = options.env.TRAWL_YTDLP;
  if (set) return [{ script: resolve(set), modules: modulesBeside(resolve(set)), named: true }];
  const found: Candidate[] = [];
  const onPath = findOnPath("yt-dlp", options.env.PATH);
  if (onPath !== null) found.push({ script: onPath, modules: null, named: false });
  const own = ownScript(options.checkout);
  if (existsSync(own)) found.push({ script: own, modules: modulesBeside(own), named: false });
  return found;
}

function ownScript(checkout: string): string {
  return join(checkout, ".trawl/tools/usr/bin/yt-dlp");
}

function modulesFolder(script: string): string {
  return resolve(dirname(script), "../lib/python3/dist-packages");
}

/** `<root>/usr/bin/yt-dlp` of an unpacked Debian package has its modules in `<root>/usr/lib/python3/dist-packages`. */
function modulesBeside(script: string): string | null {
  const folder = modulesFolder(script);
  return existsSync(join(folder, "yt_dlp")) ? folder : null;
}

/** What changes when yt-dlp is renewed, where it is not yet, too. */
function watchedFiles({ env, checkout }: ToolOptions): string[] {
  const scripts = env.TRAWL_YTDLP
    ? [resolve(env.TRAWL_YTDLP)]
    : [findOnPath("yt-dlp", env.PATH), ownScript(checkout)].filter((path) => path !== null);
  const modules = ["yt_dlp/version.py", "yt_dlp_ejs/__init__.py"];
  return scripts.flatMap((script) => [script, ...modules.map((path) => join(modulesFolder(script), path))]);
}

async function tryCandidate(
  candidate: Candidate,
  options: ToolOptions & { minimum: string },
): Promise<YtDlpTool | null> {
  const env: Record<string, string> = { YTDLP_NO_PLUGINS: "1", PYTHONNOUSERSITE: "1", PYTHONIOENCODING: "utf-8" };
  const modules = candidate.modules ?? (isZipApp(candidate.script) ? candidate.script : null);
  if (modules !== null) env.PYTHONPATH = modules;
  const python = await findPython(candidate, options, env);
  // The script, not `-m yt_dlp`: -m would put the attempt's folder, full of a stranger's files, first on the module path.
  const command = python === null ? [candidate.script] : [python, candidate.script];
  const [version, help] = await Promise.all([
    ask([...command, "--ignore-config", "--version"], env),
    ask([...command, "--ignore-config", "--help"], env),
  ]);
  const text = version.stdout.trim();
  if (version.code !== 0 || !/^\d{4}\.\d/.test(text)) return null;
  return {
    command,
    env,
    version: text,
    python,
    tooOld: isOlder(text, options.minimum),
    files: watchedFiles(options),
    takesJsRuntime: help.stdout.includes("--js-runtimes"),
  };
}

/** `TRAWL_PYTHON`, the interpreter in the first line, else one that imports yt_dlp; null for what is no Python script. */
async function findPython(
  candidate: Candidate,
  options: ToolOptions,
  env: Record<string, string>,
): Promise<string | null> {
  const shebang = firstLine(candidate.script);
  if (shebang === null || !shebang.includes("python")) return null;
  if (options.env.TRAWL_PYTHON) return options.env.TRAWL_PYTHON;
  const [interpreter = "", name] = shebang.slice(2).trim().split(/\s+/);
  const own = interpreter.endsWith("/env") && name !== undefined ? findOnPath(name, options.env.PATH) : interpreter;
  if (own !== null && isExecutable(own)) return own;
  for (const other of PYTHON_NAMES) {
    const path = findOnPath(other, options.env.PATH);
    if (path !== null && (await ask([path, "-c", "import yt_dlp"], env)).code === 0) return path;
  }
  return null;
}

function firstLine(path: string): string | null {
  const text = head(path);
  return text.startsWith("#!") ? (text.split("\n")[0] ?? null) : null;
}

/** The project's own release: a zip archive behind a first line, from which Python imports as from a folder. */
function isZipApp(path: string): boolean {
  return head(path)
    .slice(firstLine(path)?.length ?? 0)
    .startsWith("\nPK\u0003\u0004");
}

/** The first bytes of a file; empty when it cannot be read. */
function head(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = Buffer.alloc(MAX_SHEBANG_BYTES);
      return bytes.toString("latin1", 0, readSync(file, bytes));
    } finally {
      closeSync(file);
    }
  } catch {
    return "";
  }
}
