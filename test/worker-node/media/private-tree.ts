/** A tree like `.trawl/tools` with the yt_dlp of `fakes/python` in it, in a version of the test's choice. */
import { chmodSync, cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export const FAKES = resolve(import.meta.dirname, "../fakes/python");

/** Puts it in its place as `scripts/setup/ytdlp.sh` does, by renames. Answers the script. */
export function installFake(at: string, version: string, python: string): string {
  const tree = `${at}.new`;
  const modules = join(tree, "usr/lib/python3/dist-packages");
  mkdirSync(join(tree, "usr/bin"), { recursive: true });
  cpSync(FAKES, modules, { recursive: true, filter: (path) => !path.endsWith("__pycache__") });
  writeFileSync(join(modules, "yt_dlp/version.py"), `__version__ = "${version}"\n`);
  const script = "usr/bin/yt-dlp";
  const lines = [`#!${python}`, "import sys, yt_dlp", `"--version" in sys.argv and sys.exit(print("${version}"))`, ""];
  writeFileSync(join(tree, script), lines.join("\n"));
  chmodSync(join(tree, script), 0o755);
  rmSync(at, { recursive: true, force: true });
  renameSync(tree, at);
  return join(at, script);
}
