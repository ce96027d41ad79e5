/** What a node may send through the edge: one part of one upload, signed (`relay.ts` takes it). */
import type { Signer } from "../auth/signing.ts";
import type { PartDigest } from "./port.ts";

export const RELAY_PREFIX = "/_store/r/";

export interface RelayGrant {
  partition: string;
  job: string;
  uploadId: string;
  part: number;
  /** Bytes; a part may be shorter, never longer. */
  max: number;
  /** As the ticket names it: a part without its `Content-MD5` is refused. Absent from grants of an edge that did not ask. */
  digest?: Exclude<PartDigest, null>;
  /** Unix time, milliseconds. */
  until: number;
}

/** The URL of one part, on the origin by which the node reached the edge. */
export async function relayUrl(signer: Signer, origin: string, grant: RelayGrant): Promise<string> {
  return new URL(RELAY_PREFIX + (await signer.seal("part-url", grant)), origin).href;
}
