/** What a partition asks of the store outside its transactions: commits of winners, aborts of the dead. All idempotent. */

import { nthUuidv7 } from "../../shared/ids.ts";
import { ALARM_MAX_ROWS, FILE_URL_TTL_MS } from "../../shared/limits.ts";
import { sealFileUrl } from "../auth/file-url-secrets.ts";
import type { SecretBox } from "../auth/secret-box.ts";
import type { Log } from "../log.ts";
import type { ObjectStore } from "../storage/port.ts";
import { StoreError } from "../storage/store-error.ts";
import type { Core } from "./core.ts";
import {
  type CommitProblem,
  type CommittedFile,
  commitFailed,
  committed,
  noteCommitted,
  type PendingCommit,
  pendingCommit,
} from "./finish.ts";
import type { OpenStore } from "./targets.ts";
import type { Effects, Turn } from "./turn.ts";
import { abortedUpload, type DoomedUpload, doomedUploads, forgetUpload, postponeAbort } from "./uploads.ts";

export interface StorageWorkDeps {
  core: Core;
  open: OpenStore;
  box(): SecretBox;
  now: () => number;
  /** Called with what a transaction asks for. */
  follow(effects: Effects): void;
  log: Log;
}

export class StorageWork {
  readonly #deps: StorageWorkDeps;
  readonly #committing = new Set<string>();
  #aborting: Promise<number> | null = null;

  constructor(deps: StorageWorkDeps) {
    this.#deps = deps;
  }

  /** Whether the store has been asked for something and has not answered yet. */
  get isBusy(): boolean {
    return this.#committing.size > 0 || this.#aborting !== null;
  }

  /** Commits the files of one job in `finishing`. A second call while one is under way does nothing. */
  async commit(job: string): Promise<void> {
    if (this.#committing.has(job)) return;
    this.#committing.add(job);
    try {
      await this.#commitAll(job);
    } finally {
      this.#committing.delete(job);
    }
  }

  async #commitAll(id: string): Promise<void> {
    const { core, now } = this.#deps;
    const pending = this.#run((turn) => pendingCommit(turn, id));
    if (pending === null) return;
    const store = await this.#deps.open(pending.store).catch((error: unknown) => {
      this.#problem(pending, openProblem(error));
      return null;
    });
    if (store === null) return;
    const files: CommittedFile[] = [];
    for (const file of pending.files) {
      let done = file.committed;
      if (done === null) {
        const result = await store
          .commit({
            uploadId: file.uploadId,
            key: file.storeKey,
            job: id,
            token: pending.token,
            contentType: file.contentType,
            size: file.size,
            sha256: file.sha256,
            parts: file.parts,
          })
          .catch((error: unknown) => ({ kind: "unavailable", code: errorName(error) }) as const);
        if (result.kind !== "committed") {
          // Nothing is left of the upload, and what lies there must not be taken for it.
          if (result.kind === "taken" && result.replaced) this.#run((turn) => forgetUpload(turn, file.uploadId));
          this.#problem(pending, result);
          return;
        }
        const sha256 = file.sha256 ?? result.sha256;
        if (sha256 === undefined) {
          this.#problem(pending, { kind: "refused", code: "no_checksum", permanent: false });
          return;
        }
        const now = { storeKey: result.key, etag: result.etag, sha256 };
        this.#run((turn) => noteCommitted(turn, file.uploadId, now));
        done = now;
      }
      // In the manifest's order: its first subtitle is the job's `subtitle_url`.
      const fileId = nthUuidv7(now(), crypto.getRandomValues(new Uint8Array(10)), files.length);
      const url = pending.inline ? await this.#lastUrl(store, pending, done.storeKey) : null;
      files.push({ uploadId: file.uploadId, fileId, ...done, size: file.size, url });
    }
    const { effects } = core.run(now(), Math.random, (turn) => committed(turn, id, files));
    this.#deps.follow(effects);
  }

  /** Signed while the credentials are still here, and sealed: it is a bearer link (jobs API 11.2). */
  async #lastUrl(store: ObjectStore, pending: PendingCommit, key: string): Promise<CommittedFile["url"]> {
    const until = this.#deps.now() + FILE_URL_TTL_MS;
    try {
      const url = await store.presignRead({ key, expiresAt: until, disposition: null });
      return url === null ? null : { sealed: await sealFileUrl(this.#deps.box(), pending.store.account, url), until };
    } catch (error) {
      // The file is delivered all the same.
      this.#deps.log("warn", "file.no_url", { job: pending.job, attempt: pending.token, error: errorName(error) });
      return null;
    }
  }

  #problem({ job: id, token }: PendingCommit, problem: CommitProblem): void {
    this.#deps.log("warn", "commit.failed", {
      job: id,
      attempt: token,
      kind: problem.kind,
      code: "code" in problem ? problem.code : "",
    });
    const { core, now, follow } = this.#deps;
    follow(core.run(now(), Math.random, (turn) => commitFailed(turn, id, problem)).effects);
  }

  /** Removes what dead attempts left in the store. Returns how many uploads are gone. */
  abortDoomed(): Promise<number> {
    this.#aborting ??= this.#abortAll().finally(() => {
      this.#aborting = null;
    });
    return this.#aborting;
  }

  /** One store after another would let one that hangs hold up all: each has a flight of its own. */
  async #abortAll(): Promise<number> {
    const doomed = this.#run((turn) => doomedUploads(turn, ALARM_MAX_ROWS));
    const flights = Map.groupBy(doomed, ({ store }) => `${store.targetId} ${store.sealed ?? ""}`);
    const gone = await Promise.all([...flights.values()].map((uploads) => this.#abortAt(uploads)));
    return gone.reduce((sum, each) => sum + each, 0);
  }

  async #abortAt(uploads: DoomedUpload[]): Promise<number> {
    let gone = 0;
    let away = false;
    for (const upload of uploads) {
      if (!away) {
        try {
          const store = await this.#deps.open(upload.store);
          await store.abort(upload.uploadId, upload.storeKey);
          if (upload.committed !== null) await store.delete(upload.committed.storeKey, upload.committed.etag);
          this.#run((turn) => abortedUpload(turn, upload.uploadId));
          gone++;
          continue;
        } catch (error) {
          const final = error instanceof StoreError && error.fault === "permanent";
          const { uploadId, tries } = upload;
          this.#deps.log("warn", "upload.abort_failed", { upload: uploadId, tries, final, error: errorName(error) });
          // Credentials that are refused stay so; what is left there is the owner's now.
          if (final) {
            this.#run((turn) => forgetUpload(turn, uploadId));
            continue;
          }
          // What is wrong with one upload alone says nothing of the next.
          away = !(error instanceof StoreError && error.fault === "refused");
        }
      }
      this.#run((turn) => postponeAbort(turn, upload.uploadId));
    }
    return gone;
  }

  #run<Result>(body: (turn: Turn) => Result): Result {
    return this.#deps.core.run(this.#deps.now(), Math.random, body).result;
  }
}

/** Credentials that do not open may open again when the operator has put the key back. */
function openProblem(error: unknown): CommitProblem {
  if (!(error instanceof StoreError)) return { kind: "unavailable", code: errorName(error) };
  return { kind: "refused", code: error.code, permanent: error.fault === "permanent" };
}

function errorName(error: unknown): string {
  if (error instanceof StoreError) return error.code;
  return error instanceof Error ? error.name : "unknown";
}
