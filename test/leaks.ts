/**
 * The leak check: a vitest setup file of the `node` and `e2e` projects. After each test it fails it on processes still alive,
 * on sockets still listening, and on files left in the temp folder. What `beforeAll` started may live until the end of the
 * file, when the same check runs once more.
 *
 * `TRAWL_TEST_TMP` and `TMPDIR` name a folder of this test file's own, so whatever makes temp files makes them there. A process
 * that the test means to kill without mercy gets `TMPDIR: await testDir()`, and its litter goes with that folder.
 */
import { chmodSync, mkdtempSync, readdirSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach } from "vitest";
import { type Found, listeningSockets, ownedProcesses, pidsNow } from "./leaks/proc.ts";

/** A process that was killed a moment ago may still be on its way out; this bounds the wait for it. */
const SETTLE_MILLIS = 3_000;
const POLL_MILLIS = 20;

const older = pidsNow();
const root = mkdtempSync(join(tmpdir(), "trawl-test-"));
// Others may pass through, as through any data folder: a node that is root runs its tools under uids of their own.
chmodSync(root, 0o711);
process.env.TRAWL_TEST_TMP = root;
process.env.TMPDIR = root;

interface Belongings {
  processes: Found;
  sockets: Found;
  files: Found;
}

function belongings(): Belongings {
  return {
    processes: ownedProcesses({ self: process.pid, folder: root }, older),
    sockets: listeningSockets(),
    files: new Map(readdirSync(root).map((name) => [name, `left in the temp folder: ${name}`])),
  };
}

function newSince(before: Belongings, now: Belongings): string[] {
  const added = (was: Found, is: Found): string[] => [...is].filter(([key]) => !was.has(key)).map(([, what]) => what);
  return [
    ...added(before.processes, now.processes),
    ...added(before.sockets, now.sockets),
    ...added(before.files, now.files),
  ];
}

async function leaksSince(before: Belongings): Promise<string[]> {
  const deadline = performance.now() + SETTLE_MILLIS;
  for (;;) {
    const leaks = newSince(before, belongings());
    if (leaks.length === 0 || performance.now() > deadline) return leaks;
    await new Promise((resolve) => setTimeout(resolve, POLL_MILLIS));
  }
}

/** Ends what leaked, so that one leak fails one test and not all that follow; a socket of our own can only be remembered. */
async function cleanUp(before: Belongings): Promise<void> {
  const now = belongings();
  for (const [inode, what] of now.sockets) atStart.sockets.set(inode, what);
  for (const pid of now.processes.keys()) {
    if (!before.processes.has(pid)) process.kill(Number(pid), "SIGKILL");
  }
  for (const name of now.files.keys()) {
    if (!before.files.has(name)) await rm(join(root, name), { recursive: true, force: true });
  }
}

async function failOnLeaks(before: Belongings, where: string): Promise<void> {
  const leaks = await leaksSince(before);
  if (leaks.length === 0) return;
  await cleanUp(before).catch(() => {}); // a process that went by itself in this instant
  throw new Error(`${where} left behind:\n  ${leaks.join("\n  ")}`);
}

const testFolders: string[] = [];
const fileFolders: string[] = [];
let inTest = false;

/**
 * A new empty folder. Made in a test (or its `beforeEach`) it goes after that test, made in `beforeAll` after the file.
 *
 * @example const data = await testDir("data");
 */
export async function testDir(name = "dir"): Promise<string> {
  await mkdir(root, { recursive: true });
  const folder = await mkdtemp(join(root, `${name}-`));
  await chmod(folder, 0o711);
  (inTest ? testFolders : fileFolders).push(folder);
  return folder;
}

async function removeAll(folders: string[]): Promise<void> {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
}

// Vitest runs "after" hooks in reverse, so these, registered first, see what is left when the test's own have run.
const atStart = belongings();
let atTestStart = atStart;

beforeEach(() => {
  inTest = true;
  atTestStart = belongings();
});

afterEach(async () => {
  inTest = false;
  await removeAll(testFolders);
  await failOnLeaks(atTestStart, "the test");
});

afterAll(async () => {
  await removeAll(fileFolders);
  try {
    await failOnLeaks(atStart, "the test file");
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});
