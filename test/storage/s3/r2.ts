/**
 * The S3 endpoint of Cloudflare's local R2, in a process of its own (workerd): a server that none of us has written.
 * Requests to it are signed for region `auto`. It does not list uploads.
 */
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { s3Store } from "../../../edge/storage/s3/s3.ts";
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { testDir } from "../../leaks.ts";
import type { StoreUnderTest } from "../object-store.conformance.ts";

const ACCESS_KEY = "AKR2R2R2R2R2ABCD";
const SECRET_KEY = "secret-of-the-local-r2";

export interface R2UnderTest extends StoreUnderTest {
  config: StorageOf<"s3">;
  /** Another client than ours. */
  client: S3Client;
}

export interface LocalR2 {
  /** The next of its buckets, which nobody has used. */
  open(): R2UnderTest;
  stop(): Promise<void>;
}

export async function startR2(buckets: number): Promise<LocalR2> {
  const names = Array.from({ length: buckets }, (_, index) => `my-videos-${index}`);
  const s3Credentials = { accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default { fetch: () => new Response(null, { status: 404 }) }",
      compatibilityDate: "2026-11-02",
      r2Buckets: Object.fromEntries(names.map((id, index) => [`BUCKET_${index}`, { id, s3Credentials }])),
      resourcePersistencePath: await testDir("r2"),
    } as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
  const endpoint = `${(await miniflare.ready).origin}/cdn-cgi/local/r2/s3`;
  const client = new S3Client({ endpoint, region: "auto", forcePathStyle: true, credentials: s3Credentials });
  return {
    open() {
      const bucket = names.pop();
      if (bucket === undefined) throw new Error("all buckets are used");
      const config: StorageOf<"s3"> = {
        provider: "s3",
        endpoint,
        bucket,
        region: "auto",
        access_key: ACCESS_KEY,
        secret_key: SECRET_KEY,
      };
      return {
        config,
        client,
        store: s3Store(config, { fetch: (url, init) => fetch(url, init), now: Date.now, accepts: () => true }),
        origin: "https://edge.test",
        async putForeign(key, bytes) {
          await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: bytes }));
        },
        countUploads: async () => null,
        close: async () => {},
      };
    },
    async stop() {
      client.destroy();
      await miniflare.dispose();
    },
  };
}
