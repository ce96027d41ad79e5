/** A disk store service on a folder of its own, with the Worker's adapter in front of it. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type DiskStoreService, startDiskStore } from "../../../edge/local/disk-store/start.ts";
import { type DiskStore, diskStore } from "../../../edge/storage/disk.ts";
import type { StoreUnderTest } from "../object-store.conformance.ts";

export const SECRET = "test-secret";

export interface DiskUnderTest extends StoreUnderTest {
  store: DiskStore;
  service: DiskStoreService;
  downloads: string;
  /** Names in `.trawl` that belong to uploads. */
  temporary(): Promise<string[]>;
  /** Ends the service and starts another on the same folder. */
  restart(): Promise<void>;
}

/** The adapter as the Worker has it: a binding instead of an address. */
export function adapterFor(service: DiskStoreService): DiskStore {
  const binding = { fetch: (url: string, init?: RequestInit) => fetch(url.replace("http://store", service.url), init) };
  return diskStore({ service: binding, secret: SECRET, serviceUrl: service.url });
}

export async function openDisk(options: { now?: () => number } = {}): Promise<DiskUnderTest> {
  const downloads = await mkdtemp(join(tmpdir(), "trawl-disk-"));
  const start = () => startDiskStore({ downloadsDir: downloads, secret: SECRET, ...options });
  const service = await start();
  const opened: DiskUnderTest = {
    store: adapterFor(service),
    service,
    downloads,
    origin: "http://localhost:8080",
    async putForeign(key, bytes) {
      await mkdir(dirname(join(downloads, key)), { recursive: true });
      await writeFile(join(downloads, key), bytes);
    },
    async temporary() {
      return (await readdir(join(downloads, ".trawl"))).filter((name) => !name.startsWith("journal"));
    },
    async countUploads() {
      return (await opened.temporary()).length;
    },
    async restart() {
      await opened.service.close();
      opened.service = await start();
      opened.store = adapterFor(opened.service);
    },
    async close() {
      await opened.service.close();
      await rm(downloads, { recursive: true });
    },
  };
  return opened;
}
