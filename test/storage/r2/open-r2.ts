/** R2 by its binding, in workerd, with the relay that stands for the edge. */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { type R2Binding, r2Store } from "../../../edge/storage/r2/r2.ts";
import type { StoreUnderTest } from "../object-store.conformance.ts";
import { startRelay } from "../peers/relay-server.ts";

export interface BoundR2 {
  /** On a bucket that nobody has used. */
  open(): Promise<StoreUnderTest>;
  stop(): Promise<void>;
}

export async function startBoundR2(buckets: number): Promise<BoundR2> {
  const script = "export default { fetch: () => new Response(null) }";
  const names = Array.from({ length: buckets }, (_, index) => `files-${index}`);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ modules: true, script, compatibilityDate: "2026-11-02", r2Buckets: names }),
  );
  await miniflare.ready;
  return {
    async open() {
      const name = names.pop();
      if (name === undefined) throw new Error("all buckets are used");
      const bucket = await miniflare.getR2Bucket(name);
      const store = r2Store(bucket as unknown as R2Binding);
      const relay = await startRelay(store);
      return {
        store,
        origin: "http://localhost:8080",
        relay: async (uploadId, key, part) => relay.url(uploadId, key, part),
        async putForeign(key, bytes) {
          await bucket.put(key, bytes);
        },
        countUploads: async () => 0, // R2 lists none; that an aborted one takes no part shows that it is gone
        close: () => relay.close(),
      };
    },
    stop: () => miniflare.dispose(),
  };
}
