import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build, type Plugin, stop } from "esbuild";
import { hashInputs, isFresh, ROOT, writeStamp } from "./stamp.ts";

const OUT_FILE = join(ROOT, "dist", "trawl.mjs");
const STAMP = join(ROOT, "dist", ".stamp-cli");
const INPUTS = { paths: ["bin", "edge", "worker-node", "shared", "test/origin", "package-lock.json"] };

/** miniflare finds workerd and its own files on disk, so both stay dependencies of the package. */
const EXTERNAL = ["miniflare", "workerd"];

const SHEBANG = "#!/usr/bin/env node\n";
/** Bundled CommonJS packages (undici, commander) call `require` for Node's own modules; an ES module has none. */
const REQUIRE = `import { createRequire as __createRequire } from "node:module";\nconst require = __createRequire(import.meta.url);`;

/** A program that is started from its text becomes a text inside the bundle: a file beside it would have to be found at run time. */
const embed = (source: RegExp, file: string, name: string): Plugin => ({
  name: `embed-${file}`,
  setup({ onLoad }) {
    onLoad({ filter: source }, ({ path }) => {
      const text = readFileSync(join(dirname(path), file), "utf8");
      return { contents: `export const ${name} = ${JSON.stringify(text)};`, loader: "ts" };
    });
  },
});

const EMBEDDED = [
  embed(/ytdlp\/host\/source\.ts$/, "host.py", "hostSource"),
  embed(/ytdlp\/questions\/source\.ts$/, "questions.py", "questionsSource"),
  embed(/upload\/digest\/source\.ts$/, "thread.mjs", "threadSource"),
];

/** What a build made. */
export interface CliBundle {
  path: string;
  bytes: number;
  /** False when the file of the last build still fits its sources. */
  built: boolean;
}

/**
 * Bundles the command line and the worker node into the one file `dist/trawl.mjs`, which the published bin runs: Node
 * strips types everywhere but under `node_modules`. Does nothing when it is up to date.
 *
 * @throws Error when esbuild finds errors.
 */
export async function buildCli(): Promise<CliBundle> {
  const hash = hashInputs(INPUTS);
  if (isFresh(STAMP, OUT_FILE, hash)) return { path: OUT_FILE, bytes: readFileSync(OUT_FILE).length, built: false };

  const fresh = join(ROOT, "dist", `.trawl-${process.pid}.mjs`);
  try {
    await build({
      absWorkingDir: ROOT,
      entryPoints: ["bin/trawl.ts"],
      outfile: fresh,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "node22",
      external: EXTERNAL,
      plugins: EMBEDDED,
      banner: { js: REQUIRE },
      // Class and function names stand in logs and error messages.
      keepNames: true,
      logLevel: "warning",
    });
    // esbuild keeps the entry's own shebang on the first line; two of them would be a syntax error.
    const code = readFileSync(fresh, "utf8");
    if (!code.startsWith("#!")) writeFileSync(fresh, SHEBANG + code);
    chmodSync(fresh, 0o755);
    renameSync(fresh, OUT_FILE);
    writeStamp(STAMP, hash);
    return { path: OUT_FILE, bytes: readFileSync(OUT_FILE).length, built: true };
  } finally {
    rmSync(fresh, { force: true });
    // esbuild's service process would otherwise live as long as we do.
    await stop();
  }
}
