import type { StoreNetwork } from "../../../edge/storage/network.ts";
import type { ObjectStore } from "../../../edge/storage/port.ts";
import type { ListingStore } from "../abandoned-uploads.ts";
import type { Faulty } from "../fault-rows.ts";
import type { StoreUnderTest } from "../uploading.ts";
import { BucketServer, type Family } from "./bucket-server.ts";

/** The network as it is, with a clock that a test may set off. */
export function network(overrides: Partial<StoreNetwork> = {}): StoreNetwork {
  return { fetch: (url, init) => fetch(url, init), now: Date.now, accepts: () => true, ...overrides };
}

export interface BucketUnderTest extends StoreUnderTest {
  server: BucketServer;
}

/** A store on a fresh server of its family. */
export async function openBucket(
  family: Family,
  bucket: string,
  open: (url: string, network: StoreNetwork) => ObjectStore,
): Promise<BucketUnderTest> {
  const server = await BucketServer.start(family, bucket);
  return {
    server,
    store: open(server.url, network()),
    origin: "http://localhost:8080",
    async putForeign(key, bytes) {
      server.put(key, bytes);
    },
    countUploads: async () => server.uploads.size,
    close: () => server.close(),
  };
}

/** With what a test of listed uploads steers. */
export function listing(opened: BucketUnderTest): ListingStore {
  const { uploads } = opened.server;
  return {
    ...opened,
    openKeys: () => [...uploads.values()].map(({ key }) => key),
    age(byMs) {
      for (const upload of uploads.values()) upload.began -= byMs;
    },
    loseBegin: () => opened.server.fail(({ method, query }) => method === "POST" && query.has("uploads"), "lost"),
    beginForeign(keys) {
      for (const key of keys) {
        uploads.set(`foreign-${uploads.size}`, { key, began: Date.now(), headers: {}, parts: new Map() });
      }
    },
  };
}

const WRITES = ["PUT", "POST"];

/** With what a test of refusals steers. */
export function faulty(opened: BucketUnderTest): Faulty {
  const refuseNext: Faulty["refuseNext"] = ({ status, code }) =>
    opened.server.fail(({ method }) => WRITES.includes(method), { status, code });
  return { ...opened, refuseNext };
}
