import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RECIPES } from "./recipes.ts";
import { TEXTS } from "./texts.ts";

const run = promisify(execFile);

const DEFAULT_CACHE = fileURLToPath(new URL("../../.cache/origin", import.meta.url));
const TEMPORARY = ".making-";
/** No run takes this long, so an older temporary folder was left by a process that was killed. */
const ABANDONED_AFTER_MILLIS = 10 * 60_000;
const FFMPEG_TIMEOUT_MILLIS = 60_000;

export interface EnsureMediaOptions {
  /** Folder of the cache. Defaults to `.cache/origin` of the checkout. */
  readonly cacheDir?: string;
  /** Stops ffmpeg and removes what was begun. */
  readonly signal?: AbortSignal;
}

/**
 * Makes the site's files unless they exist already, and answers with their folder. Says on stderr what it makes.
 *
 * Several processes may call it at once. Each fills a folder of its own and renames it into place; the one that comes
 * second finds the name taken and throws its own work away. A lock would save the double work, but a killed holder would
 * then block everyone.
 *
 * @throws if ffmpeg (`TRAWL_FFMPEG`, or `ffmpeg` on PATH) is missing or fails.
 * @example const dir = await ensureMedia(); // …/.cache/origin/4f0c…, with video-360.mp4 and so on
 */
export async function ensureMedia(options: EnsureMediaOptions = {}): Promise<string> {
  const cache = options.cacheDir ?? DEFAULT_CACHE;
  const done = join(cache, hashOfRecipe());
  if (await exists(done)) return done;

  await mkdir(cache, { recursive: true });
  await removeAbandoned(cache);
  const making = join(cache, `${TEMPORARY}${randomUUID()}`);
  try {
    await fill(making, options.signal);
    await moveIntoPlace(making, done);
  } finally {
    // With retries: an ffmpeg that has just been killed may yet create a file while its folder is emptied.
    await rm(making, { recursive: true, force: true, maxRetries: 5 });
  }
  return done;
}

function hashOfRecipe(): string {
  return createHash("sha256")
    .update(JSON.stringify([RECIPES, TEXTS]))
    .digest("hex")
    .slice(0, 16);
}

async function fill(folder: string, signal: AbortSignal | undefined): Promise<void> {
  const ffmpeg = process.env.TRAWL_FFMPEG ?? "ffmpeg";
  for (const [path, content] of Object.entries(TEXTS)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  for (const [index, { makes, args }] of RECIPES.entries()) {
    process.stderr.write(`origin: making ${makes} (${index + 1} of ${RECIPES.length})\n`);
    await mkdir(dirname(join(folder, makes)), { recursive: true });
    await run(ffmpeg, ["-v", "error", "-nostdin", ...args], {
      cwd: folder,
      timeout: FFMPEG_TIMEOUT_MILLIS,
      killSignal: "SIGKILL",
      ...(signal ? { signal } : {}),
    });
  }
}

async function moveIntoPlace(making: string, done: string): Promise<void> {
  try {
    await rename(making, done);
  } catch (error) {
    // ENOTEMPTY or EEXIST, by file system: another process was first, and its files are as good as ours.
    if (!(await exists(done))) throw error;
  }
}

async function removeAbandoned(cache: string): Promise<void> {
  for (const name of await readdir(cache)) {
    if (!name.startsWith(TEMPORARY)) continue;
    const path = join(cache, name);
    const made = await stat(path).catch(() => null);
    if (made && Date.now() - made.mtimeMs > ABANDONED_AFTER_MILLIS) await rm(path, { recursive: true, force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
