import { readFile, unlink } from "node:fs/promises";
import { z } from "zod";
import type { DataPaths } from "./data-paths.ts";
import { HostError } from "./host-error.ts";
import { takeKernelLock } from "./kernel-lock.ts";
import { endLeftover, identify, type ProcessIdentity, parseIdentity } from "./process-identity.ts";
import { writePrivate } from "./write-private.ts";

const IdentitySchema = z.object({ pid: z.int(), start: z.string() });
const LockSchema = z.object({ host: IdentitySchema, workerd: IdentitySchema.nullable() });

/** A held data folder. */
export type DataLock = {
  /** Records which workerd serves this folder. */
  setWorkerd(workerd: ProcessIdentity | null): Promise<void>;
  release(): Promise<void>;
};

/**
 * Takes a data folder for this process, or says who has it. The kernel's lock decides; the readable `lock` file only
 * tells. With the lock held, a workerd that the last owner left behind is ended: it would write the same objects.
 *
 * @throws HostError `data_in_use`
 */
export async function lockData(paths: DataPaths): Promise<DataLock> {
  const held = takeKernelLock(paths.lockHeld, 0);
  if (held === null) throw new HostError("data_in_use", await inUseText(paths));
  try {
    const leftover = parseIdentity(await readFile(paths.workerdPid, "utf8").catch(() => ""));
    if (leftover !== null) await endLeftover(leftover, "workerd");
    const host = (await identify(process.pid)) ?? { pid: process.pid, start: "" };
    const write = (workerd: ProcessIdentity | null) =>
      writePrivate(paths.lock, `${JSON.stringify({ host, workerd })}\n`);
    await write(null);
    return {
      setWorkerd: write,
      async release() {
        await unlink(paths.lock).catch(() => {});
        held.release();
      },
    };
  } catch (error) {
    held.release();
    throw error;
  }
}

/** Who holds a data folder, as far as its lock file tells. */
export async function readLock(paths: DataPaths): Promise<z.infer<typeof LockSchema> | null> {
  const text = await readFile(paths.lock, "utf8").catch(() => "null");
  try {
    return LockSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function inUseText(paths: DataPaths): Promise<string> {
  const owner = await readLock(paths);
  const who = owner === null ? "another trawl" : `another trawl (pid ${owner.host.pid})`;
  return `${who} is running on ${paths.dir}; stop it, or choose another folder with --data`;
}
