/** Commits of winners and aborts of the dead, as `storage-work.ts` does them, on the virtual clock. */
import type { CommittedFile, PendingCommit } from "../../../edge/partition/finish.ts";
import type { CommitResult } from "../../../edge/storage/port.ts";
import { ALARM_MAX_ROWS } from "../../../shared/limits.ts";
import type { Host } from "./host.ts";

export class StorageDesk {
  readonly #host: Host;
  readonly #committing = new Set<string>();
  #aborting = false;

  constructor(host: Host) {
    this.#host = host;
  }

  commit(job: string): void {
    if (this.#committing.has(job)) return;
    const pending = this.#host.turn((turn) => this.#host.world.api.pendingCommit(turn, job));
    if (pending === null) return;
    this.#committing.add(job);
    this.#commitNext(pending, []);
  }

  #commitNext(pending: PendingCommit, done: CommittedFile[]): void {
    const { world } = this.#host;
    const file = pending.files[done.length];
    if (file === undefined) {
      this.#committing.delete(pending.job);
      this.#host.turn((turn) => world.api.committed(turn, pending.job, done));
      return;
    }
    const sha256 = file.sha256 ?? "";
    const next = (storeKey: string, etag: string) => {
      const fileId = world.random.uuid(world.now);
      this.#commitNext(pending, [
        ...done,
        { uploadId: file.uploadId, fileId, storeKey, etag, sha256, size: file.size, url: null },
      ]);
    };
    if (file.committed !== null) {
      next(file.committed.storeKey, file.committed.etag);
      return;
    }
    const request = {
      uploadId: file.uploadId,
      key: file.storeKey,
      job: pending.job,
      token: pending.token,
      size: file.size,
    };
    this.#ask<CommitResult>(
      () => {
        const { random, weather, store } = world;
        const refuses = random.chance(weather.storeRefuses);
        return refuses ? store.refuse(file.uploadId, random.chance(0.3)) : store.commit(request);
      },
      (result) => {
        if (result?.kind === "committed") {
          const noted = { storeKey: result.key, etag: result.etag, sha256 };
          this.#host.turn((turn) => world.api.noteCommitted(turn, file.uploadId, noted));
          return next(result.key, result.etag);
        }
        this.#committing.delete(pending.job);
        const problem = result ?? { kind: "unavailable" as const, code: "no answer" };
        world.note(`commit of ${pending.job}: ${problem.kind}`);
        this.#host.turn((turn) => world.api.commitFailed(turn, pending.job, problem));
      },
    );
  }

  /** One store call: it may not arrive, and its answer may not come back. */
  #ask<T>(effect: () => T, done: (answer: T | null) => void): void {
    const { random, timeline, weather } = this.#host.world;
    const arrives = !random.chance(weather.storeUnavailable);
    const answered = !random.chance(weather.storeAnswerLost);
    let answer: T | null = null;
    timeline.in(random.ms(1, 500), () => {
      if (arrives) answer = effect();
    });
    this.#host.later(random.ms(501, arrives && answered ? 600 : 8_000), () =>
      done(arrives && answered ? answer : null),
    );
  }

  /** The store has been asked something and has not answered yet. */
  get isBusy(): boolean {
    return this.#aborting || this.#committing.size > 0;
  }

  abortDoomed(): void {
    if (this.#aborting) return;
    const { api } = this.#host.world;
    this.#aborting = true;
    const doomed = this.#host.turn((turn) => api.doomedUploads(turn, ALARM_MAX_ROWS));
    const next = (index: number): void => {
      const upload = doomed[index];
      if (upload === undefined) {
        this.#aborting = false;
        return;
      }
      this.#ask(
        () => {
          const { store } = this.#host.world;
          store.abort(upload.uploadId);
          if (upload.committed !== null) store.delete(upload.committed.storeKey, upload.committed.etag);
          return true;
        },
        (answer) => {
          this.#host.turn((turn) =>
            answer === null ? api.postponeAbort(turn, upload.uploadId) : api.forgetUpload(turn, upload.uploadId),
          );
          next(index + 1);
        },
      );
    };
    next(0);
  }
}
