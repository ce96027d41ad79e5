/** R2 by its binding, in workerd, behind the edge's own relay. */
import { type R2Binding, r2Store } from "../../../edge/storage/r2/r2.ts";
import { EdgeRelay } from "../peers/edge-relay.ts";
import type { StoreUnderTest } from "../uploading.ts";

export interface R2UnderTest extends StoreUnderTest {
  bucket: string;
}

export interface BoundR2 {
  relay: EdgeRelay;
  /** On a bucket that nobody has used. */
  open(): Promise<R2UnderTest>;
  stop(): Promise<void>;
}

export async function startBoundR2(buckets: number): Promise<BoundR2> {
  const names = Array.from({ length: buckets }, (_, index) => `files-${index}`);
  const relay = await EdgeRelay.start({ r2Buckets: [...names] });
  return {
    relay,
    async open() {
      const bucket = names.pop();
      if (bucket === undefined) throw new Error("all buckets are used");
      const binding = await relay.miniflare.getR2Bucket(bucket);
      return {
        bucket,
        store: r2Store(binding as unknown as R2Binding),
        origin: relay.origin,
        relay: (uploadId, key, part) => relay.url({ uploadId, key, part }, { bucket }),
        async putForeign(key, bytes) {
          await binding.put(key, bytes);
        },
        countUploads: async () => 0, // R2 lists none; that an aborted one takes no part shows that it is gone
        close: async () => {},
      };
    },
    stop: () => relay.close(),
  };
}
