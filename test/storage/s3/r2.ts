/**
 * The S3 endpoint of Cloudflare's local R2, in a process of its own (workerd): a server that none of us has written.
 * Requests to it are signed for region `auto`. It does not list uploads.
 */
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { testDir } from "../../leaks.ts";
import { OtherS3, type OtherS3UnderTest } from "./other-server.ts";

const KEYS = { access_key: "AKR2R2R2R2R2ABCD", secret_key: "secret-of-the-local-r2" };

export interface LocalR2 {
  /** The next of its buckets, which nobody has used. */
  open(): OtherS3UnderTest;
  stop(): Promise<void>;
}

export async function startR2(buckets: number): Promise<LocalR2> {
  const names = Array.from({ length: buckets }, (_, index) => `my-videos-${index}`);
  const s3Credentials = { accessKeyId: KEYS.access_key, secretAccessKey: KEYS.secret_key };
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "export default { fetch: () => new Response(null, { status: 404 }) }",
      compatibilityDate: "2026-11-02",
      r2Buckets: Object.fromEntries(names.map((id, index) => [`BUCKET_${index}`, { id, s3Credentials }])),
      resourcePersistencePath: await testDir("r2"),
    } as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
  const s3 = new OtherS3(`${(await miniflare.ready).origin}/cdn-cgi/local/r2/s3`, "auto", KEYS);
  return {
    open() {
      const bucket = names.pop();
      if (bucket === undefined) throw new Error("all buckets are used");
      return s3.open(bucket);
    },
    async stop() {
      s3.client.destroy();
      await miniflare.dispose();
    },
  };
}
