/** What a node may send through the edge: one part of one upload, signed (`relay.ts` takes it). */
import type { Signer } from "../auth/signing.ts";

export const RELAY_PREFIX = "/_store/r/";

export interface RelayGrant {
  partition: string;
  job: string;
  uploadId: string;
  part: number;
  /** Bytes; a part may be shorter, never longer. */
  max: number;
  /** Unix time, milliseconds. */
  until: number;
}

/** The URL of one part, on the origin by which the node reached the edge. */
export async function relayUrl(signer: Signer, origin: string, grant: RelayGrant): Promise<string> {
  return new URL(RELAY_PREFIX + (await signer.seal("part-url", grant)), origin).href;
}
