/**
 * The edge's relay of parts as a Worker of its own: `test/storage/peers/edge-relay.ts` runs it in workerd. The query says what the
 * partition would: the key, and the storage of a client or a managed bucket. Every upload counts as live.
 */
import type { Env } from "../../../edge/env.ts";
import { relayPart } from "../../../edge/storage/relay.ts";

export default {
  async fetch(request: Request, env: Record<string, R2Bucket> & { TRAWL_SECRET: string }): Promise<Response> {
    const asked = new URL(request.url).searchParams;
    const upload = { storage: JSON.parse(asked.get("storage") ?? "null"), storeKey: asked.get("key") ?? "" };
    const edge = {
      TRAWL_STORE: "r2",
      TRAWL_SECRET: env.TRAWL_SECRET,
      FILES: env[asked.get("bucket") ?? ""],
      PARTITION: { getByName: () => ({ relayedUpload: async () => upload }) },
    };
    const relayed = relayPart(request, edge as unknown as Env);
    return relayed ?? new Response(null, { status: 404 });
  },
};
