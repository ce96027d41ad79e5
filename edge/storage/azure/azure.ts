/**
 * The ObjectStore adapter of Azure Blob Storage: block blobs.
 *
 * Operations used: Put Blob (probe), Put Block (by the node, under a SAS of the blob), Get Block List, Put Block List,
 * Get Blob, Get Blob Properties, Delete Blob. Where it differs from the bucket stores:
 * - Nothing is begun: blocks belong to a blob's name. Ours bear the upload's nonce in their ids, so that two attempts at the
 *   same name do not mix; blocks that were never committed go by themselves after a week. They cannot be removed sooner
 *   without removing those of a newer attempt, so `abort` leaves them.
 * - Staging a block asks for write permission on the whole blob. A node could therefore replace its own attempt's blob until
 *   the SAS ends; the committed ETag tells, and such a file is never served or deleted as ours (docs/decisions/025).
 * - With a `sas_token` of the customer's there is nothing to derive a narrower one from, and the token is never given out:
 *   parts and reads pass through the edge.
 */
import type { StorageOf } from "../../../shared/contract/storage.ts";
import { elementsOf, elementText } from "../../../shared/element-text.ts";
import { COMPLETE_TIMEOUT_MS, type StoreNetwork } from "../network.ts";
import { planUpload, verdict } from "../own-upload.ts";
import type { PartRoute } from "../part-size.ts";
import type {
  BegunUpload,
  ByteRange,
  CommitRequest,
  CommitResult,
  ObjectHead,
  ObjectStore,
  PartUrl,
  PresignPartsRequest,
  PresignReadRequest,
  RelayedPart,
  UploadIntent,
  VerifyRequest,
  VerifyResult,
} from "../port.ts";
import { commitProblem, StoreError, verifyProblem } from "../store-error.ts";
import { AzureClient } from "./client.ts";
import { blobSas } from "./sas.ts";

/** One part of at most 95 MiB, as slow as a node may send it. */
const PART_TIMEOUT_MS = 10 * 60_000;
/** Metadata names are identifiers here: no dash. */
const META_JOB = "x-ms-meta-trawl_job";
const META_UPLOAD = "x-ms-meta-trawl_upload";

/** Base URL of an account's blob service. */
function blobServiceUrl(account: string): string {
  return `https://${account}.blob.core.windows.net`;
}

/** @param serviceUrl where the account's blob service is; another one than Azure's own for an emulator */
export function azureStore(
  config: StorageOf<"blob">,
  network: StoreNetwork,
  serviceUrl = blobServiceUrl(config.account_name),
): ObjectStore {
  return new AzureStore(config, new AzureClient(config, network, serviceUrl));
}

interface OwnedHead extends ObjectHead {
  upload: string | null;
}

/** Azure keeps at most 100,000 uncommitted blocks of a blob, and tells each of ours in 104 characters. */
const MAX_BLOCK_LIST_CHARACTERS = 12_000_000;

class AzureStore implements ObjectStore {
  readonly partDigest = "content-md5";
  /** With a `sas_token` only. */
  readonly putPart?: (part: RelayedPart) => Promise<string>;
  readonly #config: StorageOf<"blob">;
  readonly #client: AzureClient;
  readonly #route: PartRoute;

  constructor(config: StorageOf<"blob">, client: AzureClient) {
    this.#config = config;
    this.#client = client;
    this.#route = { proxied: config.account_key === undefined };
    if (this.#route.proxied) this.putPart = (part) => this.#putPart(part);
  }

  async #putPart({ uploadId, key, partNumber, size, body, md5 }: RelayedPart): Promise<string> {
    const { nonce } = parseUploadId(uploadId);
    const { headers } = await this.#client.send({
      method: "PUT",
      blob: key,
      query: { comp: "block", blockid: blockId(nonce, partNumber) },
      headers: md5 === null ? {} : { "content-md5": md5 },
      body: { bytes: body, length: size },
      timeoutMs: PART_TIMEOUT_MS,
    });
    return headers.get("content-md5") ?? headers.get("x-ms-content-crc64") ?? `"${partNumber}"`;
  }

  async verify({ key, signal }: VerifyRequest): Promise<VerifyResult> {
    try {
      const bytes = new TextEncoder().encode("Trawl may write here.\n");
      const headers = { "x-ms-blob-type": "BlockBlob", "content-type": "text/plain" };
      await this.#client.send({ method: "PUT", blob: key, headers, body: { bytes, length: bytes.length }, signal });
      await this.#client.send({ method: "DELETE", blob: key, signal });
      return { ok: true };
    } catch (error) {
      return verifyProblem(error);
    }
  }

  async begin(intent: UploadIntent): Promise<BegunUpload> {
    const { size, nonce } = planUpload(intent.size, this.#route);
    return { uploadId: `${intent.token}~${nonce}`, partSize: size };
  }

  async presignParts(request: PresignPartsRequest): Promise<PartUrl[]> {
    const { nonce } = parseUploadId(request.uploadId);
    const numbers = Array.from({ length: request.count }, (_, index) => request.fromPart + index);
    const accountKey = this.#config.account_key;
    if (accountKey === undefined) {
      return Promise.all(numbers.map(async (number) => ({ part_number: number, url: await request.relay(number) })));
    }
    const { container, account_name: account } = this.#config;
    const grant = { container, blob: request.key, permissions: "cw" as const };
    const expiresAt = this.#client.timeThere(request.expiresAt);
    const sas = await blobSas({ ...grant, expiresAt }, { account, accountKey });
    return numbers.map((number) => {
      const id = encodeURIComponent(blockId(nonce, number));
      return { part_number: number, url: `${this.#client.url(request.key)}?comp=block&blockid=${id}&${sas}` };
    });
  }

  async commit(request: CommitRequest): Promise<CommitResult> {
    try {
      const { token, nonce } = parseUploadId(request.uploadId);
      if (token !== request.token) return { kind: "refused", code: "wrong_upload", permanent: false };
      const head = await this.#head(request.key);
      if (head !== null) return verdict(head, request, nonce);
      const problem = await this.#missing(request, nonce);
      if (problem === null) return await this.#join(request, nonce);
      // The blocks are gone from the list once another commit of ours has joined them.
      const joined = await this.#head(request.key);
      return joined === null ? problem : verdict(joined, request, nonce);
    } catch (error) {
      return commitProblem(error);
    }
  }

  /** Every block is there with the size that the manifest says. The list is the service's own. */
  async #missing(request: CommitRequest, nonce: string): Promise<CommitResult | null> {
    const query = { comp: "blocklist", blocklisttype: "uncommitted" };
    const bounds = { maxCharacters: MAX_BLOCK_LIST_CHARACTERS, timeoutMs: COMPLETE_TIMEOUT_MS };
    const { text } = await this.#client
      .send({ method: "GET", blob: request.key, query, ...bounds })
      .catch((error: unknown) => {
        // Nothing was ever staged under this name.
        if (error instanceof StoreError && error.code === "BlobNotFound") return { text: "" };
        throw error;
      });
    // A connection that broke may look like the end.
    if (text !== "" && !text.trimEnd().endsWith("</BlockList>")) throw new StoreError("unreachable", "unavailable");
    const staged = new Map(
      elementsOf(text, "Block").map((block) => [elementText(block, "Name"), Number(elementText(block, "Size"))]),
    );
    const total = request.parts.reduce((sum, part) => sum + part.size, 0);
    if (total !== request.size) return { kind: "refused", code: "wrong_size", permanent: false };
    for (const part of request.parts) {
      const size = staged.get(blockId(nonce, part.part_number));
      if (size === undefined) return { kind: "refused", code: "InvalidBlockList", permanent: false };
      if (size !== part.size) return { kind: "refused", code: "wrong_size", permanent: false };
    }
    return null;
  }

  async #join(request: CommitRequest, nonce: string): Promise<CommitResult> {
    const blocks = request.parts.map((part) => `<Uncommitted>${blockId(nonce, part.part_number)}</Uncommitted>`);
    const bytes = new TextEncoder().encode(
      `<?xml version="1.0" encoding="utf-8"?><BlockList>${blocks.join("")}</BlockList>`,
    );
    let etag: string | null;
    try {
      const { headers } = await this.#client.send({
        method: "PUT",
        blob: request.key,
        query: { comp: "blocklist" },
        headers: {
          "content-type": "application/xml",
          "if-none-match": "*",
          "x-ms-blob-content-type": request.contentType,
          [META_JOB]: request.job,
          [META_UPLOAD]: nonce,
        },
        body: { bytes, length: bytes.length },
        timeoutMs: COMPLETE_TIMEOUT_MS,
      });
      etag = headers.get("etag");
    } catch (error) {
      // Somebody was faster, perhaps another commit of ours; or no answer came, and it may have happened.
      const looks = error instanceof StoreError && error.fault !== "permanent";
      const head = looks ? await this.#head(request.key) : null;
      if (head !== null) return verdict(head, request, nonce);
      throw error;
    }
    const head = await this.#head(request.key);
    if (head === null) return { kind: "unavailable", code: "BlobNotFound" };
    // Replaced since: it may bear our metadata, but is not what we have joined.
    const replaced = etag !== null && head.etag !== etag;
    return replaced ? { kind: "taken", replaced } : verdict(head, request, nonce);
  }

  async abort(uploadId: string, key: string): Promise<void> {
    const parsed = UPLOAD_ID.exec(uploadId);
    const head = parsed === null ? null : await this.#head(key);
    if (head !== null && head.upload === parsed?.[2]) await this.delete(key, head.etag);
  }

  async head(key: string): Promise<ObjectHead | null> {
    const head = await this.#head(key);
    if (head === null) return null;
    const { upload: _, ...rest } = head;
    return rest;
  }

  async #head(key: string): Promise<OwnedHead | null> {
    try {
      const { headers } = await this.#client.send({ method: "HEAD", blob: key });
      return {
        size: Number(headers.get("content-length") ?? 0),
        etag: headers.get("etag") ?? "",
        lastModified: Date.parse(headers.get("last-modified") ?? "") || 0,
        job: headers.get(META_JOB),
        upload: headers.get(META_UPLOAD),
      };
    } catch (error) {
      if (error instanceof StoreError && error.code === "BlobNotFound") return null;
      throw error;
    }
  }

  async presignRead({ key, expiresAt, disposition }: PresignReadRequest): Promise<string | null> {
    const accountKey = this.#config.account_key;
    if (accountKey === undefined) return null;
    const { container, account_name: account } = this.#config;
    const grant = { container, blob: key, permissions: "r" as const, expiresAt: this.#client.timeThere(expiresAt) };
    const sas = await blobSas(disposition === null ? grant : { ...grant, contentDisposition: disposition }, {
      account,
      accountKey,
    });
    return `${this.#client.url(key)}?${sas}`;
  }

  async read(key: string, range: ByteRange | null, etag: string | null): Promise<ReadableStream<Uint8Array> | null> {
    if (range?.length === 0) return new Response("").body;
    const headers: Record<string, string> = {
      ...(range === null ? {} : { range: `bytes=${range.offset}-${range.offset + range.length - 1}` }),
      ...(etag === null ? {} : { "if-match": etag }),
    };
    try {
      return (await this.#client.open({ method: "GET", blob: key, headers })).body;
    } catch (error) {
      if (error instanceof StoreError && NOT_THAT_ONE.has(error.code)) return null;
      throw error;
    }
  }

  async delete(key: string, etag: string): Promise<boolean> {
    try {
      await this.#client.send({ method: "DELETE", blob: key, headers: { "if-match": etag } });
      return true;
    } catch (error) {
      if (error instanceof StoreError && NOT_THAT_ONE.has(error.code)) return false;
      throw error;
    }
  }
}

/** The blob is gone, or another one is there. */
const NOT_THAT_ONE: ReadonlySet<string> = new Set(["BlobNotFound", "ConditionNotMet"]);
const UPLOAD_ID = /^([0-9.]{1,64})~([0-9a-f]{32})$/;

function parseUploadId(uploadId: string): { token: string; nonce: string } {
  const [, token, nonce] = UPLOAD_ID.exec(uploadId) ?? [];
  if (token === undefined || nonce === undefined) throw new StoreError("InvalidUploadId", "refused");
  return { token, nonce };
}

/** Base64 of texts of one length, as Azure wants all ids of a blob to be. */
function blockId(nonce: string, part: number): string {
  return btoa(`${nonce}-${String(part).padStart(5, "0")}`);
}
