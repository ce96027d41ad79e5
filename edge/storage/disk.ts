/**
 * The ObjectStore adapter of the disk store: the Worker's half. It has no disk, so it asks the service of the embedded
 * host (`edge/local/disk-store/`) through a binding. Standards only; it runs in workerd and in Node.
 */
import type { z } from "zod";
import {
  BeginAnswer,
  type BeginCall,
  ClearFolderAnswer,
  CommitAnswer,
  type CommitCall,
  DeleteAnswer,
  HeadAnswer,
  ListAnswer,
  MAX_CLEARED,
  MAX_LISTED,
  MakeFolderAnswer,
  MoveFolderAnswer,
  RenameAnswer,
  SweepAnswer,
} from "./disk-wire.ts";
import { type Bounds, bounded, COMPLETE_TIMEOUT_MS } from "./network.ts";
import { importPartKey, type PartKey, partUrlPath } from "./part-signature.ts";
import type {
  BegunUpload,
  CommitRequest,
  CommitResult,
  FolderStore,
  ObjectHead,
  ObjectStore,
  PartUrl,
  PresignPartsRequest,
  RenameResult,
  UploadIntent,
  VerifyResult,
} from "./port.ts";
import { StoreError, verifyProblem } from "./store-error.ts";

/** A disk that sleeps takes seconds to wake. */
const CALL: Bounds = { timeoutMs: 15_000 };

/** Calls for one folder that is taken away. */
const MAX_CLEAR_CALLS = 200;

/** The part of a service binding that is used here. */
export interface StoreService {
  fetch(url: string, init?: RequestInit): Promise<Response>;
}

export interface DiskStoreOptions {
  service: StoreService;
  /** Shared with the service: bearer of control calls and key of part signatures. */
  secret: string;
  /** The service's own loopback address, given to nodes on the same host: no Worker between them and the disk. */
  serviceUrl: string;
}

export interface DiskStore extends ObjectStore {
  rename(from: string, to: string, etag: string): Promise<RenameResult>;
  readonly folders: FolderStore;
  /** Removes what abandoned uploads left behind; how many files that were. */
  sweep(now: number): Promise<number>;
}

/**
 * @example
 * const store = diskStore({ service: env.STORE, secret: env.STORE_SECRET, serviceUrl: "http://127.0.0.1:40123" });
 */
export function diskStore(options: DiskStoreOptions): DiskStore {
  let partKey: Promise<PartKey> | null = null;

  /** The answer's head in time; its body may take as long as it likes. */
  function call(name: string, body: unknown, bounds: Bounds = {}): Promise<Response> {
    return bounded(bounds, (signal) => send(name, body, signal));
  }

  function send(name: string, body: unknown, signal: AbortSignal): Promise<Response> {
    return options.service.fetch(`http://store/control/${name}`, {
      method: "POST",
      headers: { authorization: `Bearer ${options.secret}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      redirect: "manual",
      signal,
    });
  }

  /** The whole answer in time. */
  function ask<T>(name: string, body: unknown, answer: z.ZodType<T>, bounds: Bounds = CALL): Promise<T> {
    return bounded(bounds, async (signal) => {
      const response = await send(name, body, signal);
      if (!response.ok) throw refusal(await errorCode(response));
      return answer.parse(await response.json());
    });
  }

  return {
    // The service hashes the whole file as its parts arrive.
    partDigest: null,
    countsSha256: true,
    byHand: true,
    /** Nobody configures it by credentials: an answer of the service is all there is to prove. */
    async verify({ key }): Promise<VerifyResult> {
      try {
        await ask("head", { key }, HeadAnswer.nullable());
        return { ok: true };
      } catch (error) {
        return verifyProblem(error);
      }
    },

    newUploadId(): string {
      return crypto.randomUUID().replaceAll("-", "");
    },

    async begin(intent: UploadIntent, uploadId?: string): Promise<BegunUpload> {
      const body: BeginCall = { ...wireIntent(intent), upload_id: uploadId, size: intent.size };
      const answer = await ask("begin", body, BeginAnswer);
      if ("read_only" in answer) throw new StoreError("read_only", "permanent", { says: readOnly(answer.read_only) });
      const { upload_id, part_size } = answer;
      return { uploadId: upload_id, partSize: part_size };
    },

    async presignParts(request: PresignPartsRequest): Promise<PartUrl[]> {
      partKey ??= importPartKey(options.secret);
      const key = await partKey;
      const base = isLoopbackOrigin(request.origin) ? options.serviceUrl : request.origin;
      const numbers = Array.from({ length: request.count }, (_, index) => request.fromPart + index);
      return Promise.all(
        numbers.map(async (partNumber) => {
          const { uploadId, partSize: maxBytes, expiresAt } = request;
          const path = await partUrlPath(key, { uploadId, partNumber, maxBytes, expiresAt });
          return { part_number: partNumber, url: new URL(path, base).href };
        }),
      );
    },

    async commit(request: CommitRequest): Promise<CommitResult> {
      const { uploadId, size, sha256, parts } = request;
      const body: CommitCall = { ...wireIntent(request), upload_id: uploadId, size, sha256, parts };
      try {
        // The service reads and syncs the whole file. Who has stopped waiting asks again, and waits for that same commit.
        const answer = await ask("commit", body, CommitAnswer, { timeoutMs: COMPLETE_TIMEOUT_MS });
        if (answer.kind !== "refused" || answer.read_only === undefined) return answer;
        const { kind, code, permanent, read_only } = answer;
        return { kind, code, permanent, says: readOnly(read_only) };
      } catch (error) {
        // Whatever went wrong on the way, the service may have committed: only asking again can tell.
        return { kind: "unavailable", code: error instanceof StoreError ? error.code : "no_answer" };
      }
    },

    async abort(uploadId: string): Promise<void> {
      // A commit that has begun is decided first.
      const response = await call("abort", { upload_id: uploadId }, { timeoutMs: COMPLETE_TIMEOUT_MS });
      if (!response.ok) throw refusal(await errorCode(response));
      await response.body?.cancel();
    },

    async head(key: string): Promise<ObjectHead | null> {
      const head = await ask("head", { key }, HeadAnswer.nullable());
      // A plain file bears no metadata: whose it is stands in the edge's own rows.
      return head && { size: head.size, etag: head.etag, lastModified: head.last_modified, job: null };
    },

    /** A plain file has no URL of its own. */
    async presignRead(): Promise<null> {
      return null;
    },

    async read(key, range, etag): Promise<ReadableStream<Uint8Array> | null> {
      const response = await call("read", { key, range, etag }, CALL);
      if (response.ok) return response.body;
      const code = await errorCode(response);
      if (response.status === 404) return null;
      throw refusal(code);
    },

    async delete(key: string, etag: string): Promise<boolean> {
      return (await ask("delete", { key, etag }, DeleteAnswer)).deleted;
    },

    async rename(from: string, to: string, etag: string): Promise<RenameResult> {
      return await ask("rename", { from, to, etag }, RenameAnswer);
    },

    folders: {
      list: (folder, after) => ask("list", { folder, after, limit: MAX_LISTED }, ListAnswer),
      make: (key) => ask("mkdir", { key }, MakeFolderAnswer),
      move: (from, to) => ask("movefolder", { from, to }, MoveFolderAnswer),
      async clear(key) {
        for (let call = 0; call < MAX_CLEAR_CALLS; call++) {
          if ((await ask("clearfolder", { key, limit: MAX_CLEARED }, ClearFolderAnswer)).done) return;
        }
        // Asked again it goes on.
        throw new StoreError("folder_too_large", "unavailable");
      },
    },

    async sweep(now: number): Promise<number> {
      return (await ask("sweep", { now }, SweepAnswer)).removed;
    },
  };
}

function wireIntent(intent: UploadIntent) {
  return { key: intent.key, job: intent.job, token: intent.token, content_type: intent.contentType };
}

/** The service answered, but not what was asked for; it may another time. */
function refusal(code: string): StoreError {
  return new StoreError(code, code === "too_large" ? "permanent" : "unavailable");
}

/** Where the folder is on the host is the host's own: its name below the downloads folder is all that is told. */
function readOnly(folder: string): string {
  const which = folder === "" ? "the downloads folder" : `the folder '${folder}' below the downloads folder`;
  return `${which} is read-only: give the user that runs Trawl the right to write there`;
}

async function errorCode(response: Response): Promise<string> {
  const body: unknown = await response.json().catch(() => null);
  if (typeof body === "object" && body !== null && "error" in body && typeof body.error === "string") return body.error;
  return `http_${response.status}`;
}

/** Whoever reached the edge by a loopback name runs on its host and reaches the service's loopback port too. */
function isLoopbackOrigin(origin: string): boolean {
  const { hostname } = new URL(origin);
  return (
    hostname === "localhost" ||
    hostname.endsWith(".localhost") ||
    hostname === "[::1]" ||
    /^127(\.\d+){3}$/.test(hostname)
  );
}
