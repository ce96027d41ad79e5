/** What a partition asks of the store outside its transactions: commits of winners, aborts of the dead. All idempotent. */

import { uuidv7 } from "../../shared/ids.ts";
import { ALARM_MAX_ROWS } from "../../shared/limits.ts";
import type { Log } from "../log.ts";
import type { ObjectStore } from "../storage/port.ts";
import type { Core } from "./core.ts";
import {
  type CommitProblem,
  type CommittedFile,
  commitFailed,
  committed,
  noteCommitted,
  pendingCommit,
} from "./finish.ts";
import type { Effects, Turn } from "./turn.ts";
import { doomedUploads, forgetUpload, postponeAbort } from "./uploads.ts";

export interface StorageWorkDeps {
  core: Core;
  store: ObjectStore;
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
    const { core, store, now } = this.#deps;
    const pending = this.#run((turn) => pendingCommit(turn, id));
    if (pending === null) return;
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
          this.#problem(id, result);
          return;
        }
        done = { storeKey: result.key, etag: result.etag };
        const { storeKey, etag } = done;
        this.#run((turn) => noteCommitted(turn, file.uploadId, storeKey, etag));
      }
      const fileId = uuidv7(now(), crypto.getRandomValues(new Uint8Array(10)));
      files.push({ uploadId: file.uploadId, fileId, storeKey: done.storeKey, etag: done.etag, size: file.size });
    }
    const { effects } = core.run(now(), Math.random, (turn) => committed(turn, id, files));
    this.#deps.log("info", "job.completed", { job: id, token: pending.token });
    this.#deps.follow(effects);
  }

  #problem(id: string, problem: CommitProblem): void {
    this.#deps.log("warn", "commit.failed", {
      job: id,
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

  async #abortAll(): Promise<number> {
    let gone = 0;
    for (const upload of this.#run((turn) => doomedUploads(turn, ALARM_MAX_ROWS))) {
      try {
        await this.#deps.store.abort(upload.uploadId, upload.storeKey);
        if (upload.committed !== null) await this.#deps.store.delete(upload.committed.storeKey, upload.committed.etag);
        this.#run((turn) => forgetUpload(turn, upload.uploadId));
        gone++;
      } catch (error) {
        this.#deps.log("warn", "upload.abort_failed", { upload: upload.uploadId, error: errorName(error) });
        this.#run((turn) => postponeAbort(turn, upload.uploadId));
      }
    }
    return gone;
  }

  #run<Result>(body: (turn: Turn) => Result): Result {
    return this.#deps.core.run(this.#deps.now(), Math.random, body).result;
  }
}

function errorName(error: unknown): string {
  return error instanceof Error ? error.name : "unknown";
}
