import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { hashInputs, isFresh, ROOT, writeStamp } from "./stamp.ts";
import { wrangler } from "./wrangler.ts";

/** Budget of DESIGN.md section 9: the bundle must fit Cloudflare's smallest plan with room, and start fast. */
const MAX_WORKER_GZIP_BYTES = 1024 * 1024;

const OUT_DIR = join(ROOT, "dist", "worker");
const STAMP = join(ROOT, "dist", ".stamp-worker");
const INPUTS = { paths: ["edge", "shared", "wrangler.toml", "package-lock.json"], without: ["edge/local"] };

/** What a build made. */
export interface WorkerBundle {
  /** The bundle, one ES module for Miniflare or `wrangler deploy --no-bundle`. */
  path: string;
  gzipBytes: number;
  /** False when the bundle of the last build still fits its sources. */
  built: boolean;
}

/**
 * Bundles the Worker with wrangler, as a deploy would, into `dist/worker/index.js`; does nothing when it is up to date.
 *
 * @throws Error with wrangler's output, or when the bundle is over {@link MAX_WORKER_GZIP_BYTES}.
 * @example const { path } = await buildWorker();
 */
export async function buildWorker(): Promise<WorkerBundle> {
  const path = join(OUT_DIR, "index.js");
  const hash = hashInputs(INPUTS);
  if (isFresh(STAMP, path, hash)) return { path, gzipBytes: gzipBytes(path), built: false };

  // Built aside and swapped in: a host that starts meanwhile loads the old bundle or the new one, never half of one.
  const fresh = join(ROOT, "dist", `.worker-${process.pid}`);
  mkdirSync(dirname(fresh), { recursive: true });
  try {
    const result = await wrangler(["deploy", "--dry-run", "--outdir", fresh]);
    if (result.code !== 0 || !existsSync(join(fresh, "index.js"))) {
      throw new Error(`wrangler could not bundle the Worker:\n${result.output}`);
    }
    const size = gzipBytes(join(fresh, "index.js"));
    if (size >= MAX_WORKER_GZIP_BYTES) {
      throw new Error(`the Worker bundle is ${size} bytes gzipped; the budget is ${MAX_WORKER_GZIP_BYTES}`);
    }
    rmSync(OUT_DIR, { recursive: true, force: true });
    renameSync(fresh, OUT_DIR);
    writeStamp(STAMP, hash);
    return { path, gzipBytes: size, built: true };
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function gzipBytes(path: string): number {
  return gzipSync(readFileSync(path)).length;
}
