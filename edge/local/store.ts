import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type DiskStoreService, startDiskStore } from "./disk-store/start.ts";
import { HostError } from "./host-error.ts";
import { takeKernelLock } from "./kernel-lock.ts";

/**
 * Starts the disk store service as the only one on its folder. A second one, of another data folder, would take the
 * first one's open uploads for leftovers of a crash and end them.
 *
 * @throws HostError `data_in_use`
 */
export async function startStore(downloadsDir: string, secret: string): Promise<DiskStoreService> {
  const own = join(downloadsDir, ".trawl");
  await mkdir(own, { recursive: true });
  const held = takeKernelLock(join(own, "lock.db"), 0);
  if (held === null) {
    const next = "stop it, or choose another folder with TRAWL_DOWNLOADS";
    throw new HostError("data_in_use", `another trawl delivers into ${downloadsDir}; ${next}`);
  }
  try {
    const service = await startDiskStore({ downloadsDir, secret });
    return {
      ...service,
      async close() {
        await service.close();
        held.release();
      },
    };
  } catch (error) {
    held.release();
    throw error;
  }
}
