/** A disk store service on a folder of its own, with the Worker's adapter in front of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type DiskStoreService, startDiskStore } from "../../../edge/local/disk-store/start.ts";
import { type DiskStore, diskStore } from "../../../edge/storage/disk.ts";
import type { CommitResult } from "../../../edge/storage/port.ts";
import { intentFor, type StoreUnderTest, sampleBytes, Uploading } from "../uploading.ts";

export const SECRET = "test-secret";

export interface DiskUnderTest extends StoreUnderTest {
  store: DiskStore;
  service: DiskStoreService;
  downloads: string;
  /** Where the object of this key lies. */
  at(key: string): string;
  exists(key: string): Promise<boolean>;
  /** A new object, from its begin to its commit; `bytes` defaults to ten. */
  deliver(key: string, bytes?: Uint8Array): Promise<CommitResult>;
  /** Names in `.trawl` that belong to uploads. */
  temporary(): Promise<string[]>;
  /** Ends the service and starts another on the same folder. */
  restart(): Promise<void>;
}

/** The adapter as the Worker has it: a binding instead of an address. */
export function adapterFor(service: Pick<DiskStoreService, "url">): DiskStore {
  const binding = { fetch: (url: string, init?: RequestInit) => fetch(url.replace("http://store", service.url), init) };
  return diskStore({ service: binding, secret: SECRET, serviceUrl: service.url });
}

export interface SpawnedService extends AsyncDisposable {
  url: string;
  port: number;
  /** With SIGKILL; returns when it is gone. */
  kill(): Promise<void>;
}

/**
 * The service in a process of its own.
 *
 * @param uid as another user; only root may
 */
export async function spawnService(downloads: string, uid?: number): Promise<SpawnedService> {
  const script = fileURLToPath(new URL("./service-process.ts", import.meta.url));
  const user = uid === undefined ? [] : [String(uid)];
  const child = spawn(process.execPath, [script, downloads, SECRET, ...user], { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  const kill = async () => {
    child.kill("SIGKILL");
    await exited;
  };
  for await (const line of createInterface(child.stdout)) {
    return { ...(JSON.parse(line) as { url: string; port: number }), kill, [Symbol.asyncDispose]: kill };
  }
  throw new Error("The service ended before it said where it is");
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
    at: (key) => join(downloads, key),
    exists: (key) =>
      access(opened.at(key)).then(
        () => true,
        () => false,
      ),
    async deliver(key, bytes = sampleBytes(10)) {
      const upload = await new Uploading(opened, intentFor(key, bytes.length)).begin();
      return opened.store.commit(upload.commitRequest(bytes, await upload.putAll(bytes)));
    },
    async putForeign(key, bytes) {
      await mkdir(dirname(opened.at(key)), { recursive: true });
      await writeFile(opened.at(key), bytes);
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

/** The ETag of an object that was just delivered, under the key that was asked for or under another; "" if it was not. */
export function etagOf(result: CommitResult): string {
  return result.kind === "committed" ? result.etag : "";
}
