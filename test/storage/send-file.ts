/** The node's half and the edge's half together: a file goes from disk through an adapter into its store. */
import type { Dispatcher } from "undici";
import type { CommitRequest, CommitResult } from "../../edge/storage/port.ts";
import type { Ticket } from "../../shared/contract/fleet.ts";
import { type Uploaded, uploadFile } from "../../worker-node/upload/upload-file.ts";
import { intentFor, type StoreUnderTest } from "./uploading.ts";

export interface Sent {
  uploaded: Uploaded;
  request: CommitRequest;
  commit(): Promise<CommitResult>;
}

export interface Way {
  dispatcher?: Dispatcher;
  handOverDir?: string;
}

/** Part URLs in one answer: less than a file has parts, so that more are asked for on the way. */
const URLS_AT_ONCE = 2;

/**
 * Uploads the file as a node does and leaves the commit to the caller.
 *
 * @param way `dispatcher` makes the connections, the node's own plain ones without it; `handOverDir` as the node is told
 * @throws MediaFailure of class `storage`
 */
export async function sendFile(
  { store, relay, origin }: StoreUnderTest,
  file: { path: string; size: number },
  key: string,
  { dispatcher, handOverDir }: Way = {},
): Promise<Sent> {
  const intent = intentFor(key, file.size);
  const { uploadId, partSize } = await store.begin(intent);
  const ticketFrom = async (fromPart: number): Promise<Ticket> => {
    const request = {
      ...{ uploadId, key, fromPart, count: URLS_AT_ONCE, partSize, origin, expiresAt: Date.now() + 600_000 },
      relay: (part: number) => relay?.(uploadId, key, part) ?? Promise.reject(new Error("asked for a relayed part")),
    };
    return {
      ...{ upload_id: uploadId, kind: "media", language: null, part_size: partSize, expires_in_ms: 600_000 },
      urls: await store.presignParts(request),
      guarded: dispatcher !== undefined,
      ...(store.partDigest === null ? {} : { digest: store.partDigest }),
      ...(store.countsSha256 === true ? { counts_sha256: true } : {}),
    };
  };
  const uploaded = await uploadFile({
    file: { kind: "media", language: null, ...file },
    ticket: await ticketFrom(1),
    renew: ticketFrom,
    inTouch: async () => {},
    onBytes: () => {},
    guarded: dispatcher,
    handOverDir,
    signal: new AbortController().signal,
  });
  const { size, sha256 = null, parts } = uploaded.entry;
  const request = { ...intent, uploadId, size, sha256, parts };
  return { uploaded, request, commit: () => store.commit(request) };
}
