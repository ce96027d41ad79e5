/** One file into storage by presigned part URLs: in parallel, part by part from disk, repeated where that can help. */
import type { Dispatcher } from "undici";
import type { Ticket } from "../../shared/contract/fleet.ts";
import type { ManifestFile, UploadedPart } from "../../shared/contract/media.ts";
import { AZURE_REFUSED_FOR_GOOD, BUCKET_REFUSED_FOR_GOOD } from "../../shared/storage-codes.ts";
import { callDelay, pause } from "../fleet/backoff.ts";
import { MediaFailure } from "../media/failure.ts";
import type { ProducedFile } from "../media/run-attempt.ts";
import { type FileDigests, fileDigests } from "./digest/file-digests.ts";
import { partDigests } from "./digest/part-digests.ts";
import { handOver } from "./hand-over.ts";
import { type PartPut, putPart } from "./put-part.ts";
import { SLICE_BUFFER_BYTES } from "./read-slice.ts";

/** Parts of one file under way at once. */
const PARALLEL_PARTS = 4;
/** Tries of one part, the first included. */
const PART_TRIES = 6;

export interface UploadOptions {
  file: ProducedFile;
  ticket: Ticket;
  /** More part URLs, or fresh ones. */
  renew(fromPart: number): Promise<Ticket>;
  /** Resolves while the edge is in touch. */
  inTouch(): Promise<void>;
  /** Bytes that have arrived since the last call. */
  onBytes(bytes: number): void;
  /** Folder of the disk store on this machine, which then takes the file as it is. Defaults to sending all. */
  handOverDir?: string | undefined;
  /** Makes the connections of a ticket whose URLs a client chose (`guarded`). Defaults to plain ones. */
  guarded?: Dispatcher | undefined;
  signal: AbortSignal;
}

export interface Uploaded {
  entry: ManifestFile;
  retries: number;
}

/** @throws MediaFailure of class `storage`. */
export async function uploadFile(options: UploadOptions): Promise<Uploaded> {
  const { file, ticket, handOverDir, signal } = options;
  const place = handOverDir === undefined ? null : await handOver(file.path, ticket.upload_id, handOverDir);
  const bytes = { path: place ?? file.path, inPlace: place !== null };
  const count = Math.max(1, Math.ceil(file.size / ticket.part_size));
  const urls = new PartUrls(ticket, options.renew);
  const parts: UploadedPart[] = [];
  let next = 1;
  let retries = 0;
  // One worker's failure ends the others: no part may still be under way when this returns.
  const failed = new AbortController();
  const both = AbortSignal.any([signal, failed.signal]);
  // What lies in the store already is counted there, by who answers for it.
  const counted = bytes.inPlace && ticket.counts_sha256 === true;
  const digests = fileDigests({ path: bytes.path, size: counted ? 0 : file.size }, both);
  const md5 = partDigests(digests, { size: file.size, partSize: ticket.part_size, ahead: PARALLEL_PARTS });
  const worker = async () => {
    const memory = { buffer: Buffer.allocUnsafeSlow(SLICE_BUFFER_BYTES) };
    while (next <= count) {
      const number = next++;
      const result = await uploadPart(options, { ...bytes, md5: () => md5(number) }, urls, number, memory, both);
      retries += result.retries;
      parts.push(result.part);
    }
  };
  const orEndAll = <Value>(work: Promise<Value>) =>
    work.catch((error: unknown) => {
      failed.abort(error);
      throw error;
    });
  const workers = Array.from({ length: Math.min(PARALLEL_PARTS, count) }, () => orEndAll(worker()));
  // A file that cannot be read is the node's own fault, so the hash ends the parts too.
  const hashing = counted ? Promise.resolve(null) : orEndAll(hashOf(digests, ticket, workers));
  const [hash, ...settled] = await Promise.allSettled([hashing, ...workers]);
  await digests.close();
  const broken = [...settled, hash].find((each) => each?.status === "rejected");
  if (broken?.status === "rejected") throw signal.aborted ? signal.reason : (failed.signal.reason ?? broken.reason);
  if (hash?.status !== "fulfilled") throw new Error("the file was not hashed");
  return {
    entry: {
      upload_id: ticket.upload_id,
      kind: file.kind,
      language: file.language,
      size: file.size,
      ...(hash.value === null ? {} : { sha256: hash.value }),
      parts: parts.sort((a, b) => a.part_number - b.part_number),
    },
    retries,
  };
}

async function uploadPart(
  options: UploadOptions,
  bytes: Pick<PartPut, "path" | "inPlace" | "md5">,
  urls: PartUrls,
  number: number,
  memory: { buffer: Buffer },
  signal: AbortSignal,
): Promise<{ part: UploadedPart; retries: number }> {
  const { file, ticket } = options;
  const start = (number - 1) * ticket.part_size;
  const size = Math.min(ticket.part_size, file.size - start);
  for (let tries = 1; ; tries++) {
    await options.inTouch();
    const url = await urls.of(number);
    const dispatcher = ticket.guarded === true ? options.guarded : undefined;
    const { digest } = ticket;
    const { buffer } = memory;
    const result = await putPart({ ...bytes, url, start, size, buffer, dispatcher, digest, signal });
    if (result.kind === "stored") {
      options.onBytes(size);
      return { part: { part_number: number, etag: result.etag, size }, retries: tries - 1 };
    }
    // The connection that took it may be dying with some of it unsent.
    memory.buffer = Buffer.allocUnsafeSlow(SLICE_BUFFER_BYTES);
    // A refused URL may only be too old.
    if (result.kind === "refused") urls.forget(number);
    if (tries >= PART_TRIES) throw storageFailure(result.code);
    await pause(callDelay(tries), signal);
  }
}

/** Part URLs as they are handed out: at most a batch at a time, each for at most 15 minutes. */
class PartUrls {
  readonly #known = new Map<number, string>();
  readonly #renew: (fromPart: number) => Promise<Ticket>;
  #renewing: Promise<void> | null = null;

  constructor(ticket: Ticket, renew: (fromPart: number) => Promise<Ticket>) {
    this.#renew = renew;
    this.#add(ticket);
  }

  async of(number: number): Promise<string> {
    for (;;) {
      const url = this.#known.get(number);
      if (url !== undefined) return url;
      if (this.#renewing !== null) {
        // Asked for by another part: ours may be in the answer or not.
        await this.#renewing;
        continue;
      }
      this.#renewing = this.#renew(number)
        .then((ticket) => this.#add(ticket))
        .finally(() => {
          this.#renewing = null;
        });
      await this.#renewing;
      // Without this an edge that answers with other parts would be asked for ever.
      if (!this.#known.has(number)) throw noUrls();
    }
  }

  forget(number: number): void {
    this.#known.delete(number);
  }

  #add(ticket: Ticket): void {
    for (const { part_number, url } of ticket.urls) this.#known.set(part_number, url);
  }
}

function noUrls(): MediaFailure {
  return storageFailure("no part URLs");
}

/** Under fresh URLs the store has said so several times. */
function isForGood(code: string): boolean {
  return BUCKET_REFUSED_FOR_GOOD.has(code) || AZURE_REFUSED_FOR_GOOD.has(code);
}

function storageFailure(code: string): MediaFailure {
  return new MediaFailure("storage", `Upload failed: ${code}`, null, isForGood(code));
}

/** Beside the parts; where those are hashed too, behind them, with what they have read. */
async function hashOf(digests: FileDigests, ticket: Ticket, parts: readonly Promise<void>[]): Promise<string> {
  if (ticket.digest !== undefined) await Promise.all(parts);
  return digests.sha256();
}
