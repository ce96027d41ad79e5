/** The edge's relay of parts in workerd, as it is deployed: what a node reaches for stores that it cannot write to. */
import { join } from "node:path";
import { build, stop as stopEsbuild } from "esbuild";
import { convertV4MiniflareOptions, Miniflare, Response } from "miniflare";
import { Signer } from "../../../edge/auth/signing.ts";
import { relayUrl } from "../../../edge/storage/relay-grant.ts";
import type { Storage } from "../../../shared/contract/storage.ts";
import { MIB, PART_PROXIED_MAX_MIB } from "../../../shared/limits.ts";

const WORKER = join(import.meta.dirname, "../../edge/storage/relay.worker.ts");
const SECRET = "secret-of-the-relay-in-tests";
const MINUTE = 60_000;

export interface EdgeRelayOptions {
  r2Buckets?: string[];
  /** Where requests go that the relay makes to a client's storage; defaults to nowhere. */
  storageAt?: string;
}

export class EdgeRelay {
  readonly origin: string;
  readonly miniflare: Miniflare;
  readonly #signer = new Signer(SECRET);

  private constructor(miniflare: Miniflare, origin: string) {
    this.miniflare = miniflare;
    this.origin = origin;
  }

  static async start({ r2Buckets = [], storageAt = "http://127.0.0.1:9" }: EdgeRelayOptions): Promise<EdgeRelay> {
    const miniflare = new Miniflare(
      convertV4MiniflareOptions({
        modules: true,
        script: await bundle(WORKER),
        bindings: { TRAWL_SECRET: SECRET },
        compatibilityDate: "2026-11-02",
        compatibilityFlags: ["nodejs_compat"],
        r2Buckets,
        outboundService: async (request) => {
          const { pathname, search } = new URL(request.url);
          const headers = Object.fromEntries([...request.headers].filter(([name]) => name !== "host"));
          const body = new Uint8Array(await request.arrayBuffer());
          const answer = await fetch(storageAt + pathname + search, { method: request.method, headers, body });
          return new Response(await answer.arrayBuffer(), { status: answer.status, headers: [...answer.headers] });
        },
      }),
    );
    return new EdgeRelay(miniflare, (await miniflare.ready).origin);
  }

  /**
   * The URL of a part, under a grant as a ticket has it: it asks for the part's MD5.
   *
   * @param asks false: as an edge gave it that did not ask
   */
  async url(
    { uploadId, key, part }: { uploadId: string; key: string; part: number },
    store: { bucket: string } | { storage: Storage },
    asks = true,
  ): Promise<string> {
    const url = await relayUrl(this.#signer, this.origin, {
      ...{ partition: "p", job: "j", uploadId, part, ...(asks ? { digest: "content-md5" as const } : {}) },
      ...{ max: PART_PROXIED_MAX_MIB * MIB, until: Date.now() + 10 * MINUTE },
    });
    const place = "bucket" in store ? store : { storage: JSON.stringify(store.storage) };
    return `${url}?${new URLSearchParams({ key, ...place })}`;
  }

  async close(): Promise<void> {
    await this.miniflare.dispose();
  }
}

/** A Worker's source as the one module that runs. */
async function bundle(entry: string): Promise<string> {
  try {
    const { outputFiles } = await build({ entryPoints: [entry], bundle: true, format: "esm", write: false });
    return outputFiles[0]?.text ?? "";
  } finally {
    // esbuild's service process would otherwise live as long as we do.
    await stopEsbuild();
  }
}
