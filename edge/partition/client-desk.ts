/**
 * What clients may ask of a partition, on behalf of the account that the Worker has authenticated. Whatever is
 * acknowledged here has passed the D1 cursor first (group commit).
 */
import { STEPS, type Step } from "../../shared/contract/fleet.ts";
import { BARRIER_WAIT_MS, GROUP_COMMIT_WAIT_MS } from "../../shared/limits.ts";
import { type BatchResult, cancelBatch, type Rename, renameBatchJobs, startBatch } from "./batch-commands.ts";
import { type BatchRow, batchProgress, createBatch, type NewBatch } from "./batches.ts";
import { type CancelResult, cancelJob } from "./cancel.ts";
import type { Core } from "./core.ts";
import { type AccountFacts, createJobs, hasRoom, type NewJob, upsertAccount } from "./create.ts";
import type { FileRow } from "./drain.ts";
import type { Drainer } from "./drainer.ts";
import { type HoldResult, holdJob, startJob } from "./hold.ts";
import {
  beginIdempotent,
  finishIdempotent,
  freeKey,
  type IdempotencyKey,
  type IdempotencyStart,
  ownsKey,
} from "./idempotency.ts";
import type { JobRow } from "./job-row.ts";
import { type KeyFacts, upsertKey } from "./keys.ts";
import { claimNames, dropClaims, type FileMove, filesErased, filesMoved } from "./moved-files.ts";
import { setPaused } from "./pause.ts";
import type { BoardEntry, ProgressBoard } from "./progress-board.ts";
import {
  type AccountTotals,
  type AccountUsage,
  newestEventOf,
  readAccountTotals,
  readAccountUsage,
  readBatch,
  readFile,
  readJob,
} from "./reads.ts";
import { putTarget, type TargetRow } from "./targets.ts";
import type { Effects, Turn } from "./turn.ts";
import type { Watch } from "./watch.ts";

export interface ClientDeskDeps {
  core: Core;
  board: ProgressBoard;
  watch: Watch;
  d1: Drainer;
  now: () => number;
  follow(effects: Effects): void;
  /** Someone reads this job while the node runs it. */
  pace(node: string): void;
}

export interface JobRead {
  row: JobRow;
  files: FileRow[];
  eta_seconds: number | null;
  speed_bytes_per_second: number | null;
}

/** The part of a job that changes while it runs; a list of these stays small. */
export type JobProgress = Pick<JobRow, "id" | "state" | "step" | "progress"> &
  Pick<JobRead, "eta_seconds" | "speed_bytes_per_second">;

/** One create: its jobs, its batch if they are one, and the key under which its answer is remembered. */
export interface CreateRequest {
  account: AccountFacts;
  /** The key that it was made with. */
  key: KeyFacts | null;
  jobs: NewJob[];
  batch: NewBatch | null;
  /** Of inline storage: the jobs name it. */
  target: TargetRow | null;
  idempotency: { key: IdempotencyKey; body: string } | null;
}

export type CreateOutcome =
  | "created"
  | "full"
  /** D1 did not confirm in time: 503, and the same idempotency key finds the jobs later. */
  | "unavailable"
  /** Another request took the key over meanwhile. */
  | "lost_key";

export class ClientDesk {
  readonly #deps: ClientDeskDeps;

  constructor(deps: ClientDeskDeps) {
    this.#deps = deps;
  }

  async create(request: CreateRequest): Promise<CreateOutcome> {
    const { account, key, jobs, batch, target, idempotency } = request;
    const result = this.#run((turn): "full" | "lost_key" | number[] => {
      if (idempotency !== null && !ownsKey(turn, idempotency.key)) return "lost_key";
      const admitted = () => {
        if (batch !== null) createBatch(turn, batch);
        if (target !== null) putTarget(turn, target);
      };
      const inserted = createJobs(turn, account, jobs, admitted, key);
      if (inserted.kind === "full") return "full";
      if (idempotency !== null) {
        finishIdempotent(turn, idempotency.key, idempotency.body, Math.max(...inserted.events));
      }
      return inserted.events;
    });
    if (typeof result === "string") return result;
    return (await this.#passed(Math.max(...result))) ? "created" : "unavailable";
  }

  /** Whether one more job would be admitted: asked before work that takes a while, decided at the insertion. */
  hasRoom(account: AccountFacts, key: KeyFacts | null): boolean {
    return this.#run((turn) => {
      upsertAccount(turn, account);
      if (key !== null) upsertKey(turn, account.id, key);
      return hasRoom(turn, account, 1, key);
    });
  }

  /** Takes an idempotency key; a replay is given only once D1 has what it speaks of. */
  async beginIdempotent(key: IdempotencyKey): Promise<IdempotencyStart | { kind: "unavailable" }> {
    const start = this.#run((turn) => beginIdempotent(turn, key));
    if (start.kind === "replay" && !(await this.#passed(start.event))) return { kind: "unavailable" };
    return start;
  }

  freeKey(key: IdempotencyKey): void {
    this.#run((turn) => freeKey(turn, key));
  }

  async cancelJob(account: string, id: string, force: boolean): Promise<CancelResult["kind"] | "unavailable"> {
    const result = this.#run((turn) => cancelJob(turn, account, id, force));
    if (result.kind !== "cancelled") return result.kind;
    return (await this.#passed(result.event)) ? "cancelled" : "unavailable";
  }

  /** Several jobs at once, each with its own outcome; acknowledged together. */
  holdJobs(account: string, ids: readonly string[]): Promise<HoldResult["kind"][] | "unavailable"> {
    return this.#each(ids, (turn, id) => holdJob(turn, account, id));
  }
  startJobs(account: string, ids: readonly string[]): Promise<HoldResult["kind"][] | "unavailable"> {
    return this.#each(ids, (turn, id) => startJob(turn, account, id));
  }
  cancelJobs(account: string, ids: readonly string[]): Promise<CancelResult["kind"][] | "unavailable"> {
    return this.#each(ids, (turn, id) => cancelJob(turn, account, id, true));
  }

  async #each<Kind extends string>(
    ids: readonly string[],
    command: (turn: Turn, id: string) => { kind: Kind; event?: number },
  ): Promise<Kind[] | "unavailable"> {
    const results = this.#run((turn) => ids.map((id) => command(turn, id)));
    const newest = Math.max(0, ...results.map(({ event }) => event ?? 0));
    if (newest > 0 && !(await this.#passed(newest))) return "unavailable";
    return results.map(({ kind }) => kind);
  }

  startBatch(account: string, id: string) {
    return this.#batchCommand((turn) => startBatch(turn, account, id));
  }
  renameBatchJobs(account: string, id: string, renames: readonly Rename[]) {
    return this.#batchCommand((turn) => renameBatchJobs(turn, account, id, renames));
  }
  cancelBatch(account: string, id: string, force: boolean) {
    return this.#batchCommand((turn) => cancelBatch(turn, account, id, force));
  }

  /** Acknowledged once D1 knows, in whichever request it was changed. */
  async setPaused(account: AccountFacts, paused: boolean): Promise<"changed" | "same" | "unavailable"> {
    const changed = this.#run((turn) => setPaused(turn, account, paused));
    const event = changed ?? newestEventOf(this.#deps.core.sql, account.id);
    if (event !== null && !(await this.#passed(event))) return "unavailable";
    return changed === null ? "same" : "changed";
  }

  async #batchCommand<Done>(
    command: (turn: Turn) => BatchResult<Done>,
  ): Promise<BatchResult<Done> | { kind: "unavailable" }> {
    const result = this.#run(command);
    if (result.kind !== "done" || result.event === null) return result;
    return (await this.#passed(result.event)) ? result : { kind: "unavailable" };
  }

  /** The job while it lives here; null: ask D1. */
  readJob(account: string, id: string): JobRead | null {
    const { core, board, watch, now, pace } = this.#deps;
    const found = readJob(core.sql, account, id);
    if (found === null) return null;
    watch.read(id, now());
    const entry = board.of(found.row, `${core.epoch}.${found.row.attempt}`);
    if (found.row.state === "running" && found.nodeId !== null) pace(found.nodeId);
    const batch =
      found.row.state === "parent" && found.row.batch_id !== null
        ? readBatch(core.sql, account, found.row.batch_id)
        : null;
    let { row } = found;
    if (entry !== null && !isBehind(entry, row)) row = { ...row, step: entry.step, progress: entry.progress };
    if (batch !== null) row = { ...row, progress: batchProgress(batch) };
    return {
      row,
      files: found.files,
      eta_seconds: entry?.eta_seconds ?? null,
      speed_bytes_per_second: entry?.speed_bytes_per_second ?? null,
    };
  }

  /** How far these jobs are, those that live here. Each is a read by primary key, so a page costs its length. */
  readProgress(account: string, ids: readonly string[]): JobProgress[] {
    return ids.flatMap((id) => {
      const read = this.readJob(account, id);
      if (read === null) return [];
      const { eta_seconds, speed_bytes_per_second } = read;
      const { state, step, progress } = read.row;
      return [{ id, state, step, progress, eta_seconds, speed_bytes_per_second }];
    });
  }

  /** The batch while it lives here; null: ask D1. */
  readBatch(account: string, id: string): BatchRow | null {
    return readBatch(this.#deps.core.sql, account, id);
  }

  /** Totals for lists, after the account's events up to now are in D1 (waits at most 2 s). */
  async listBarrier(account: AccountFacts): Promise<AccountTotals> {
    const { core, d1 } = this.#deps;
    this.#run((turn) => upsertAccount(turn, account));
    const newest = newestEventOf(core.sql, account.id);
    if (newest !== null) await d1.passed(newest, BARRIER_WAIT_MS);
    return readAccountTotals(core.sql, account.id);
  }

  /** The files of these jobs were deleted: their names are free again. The rows may have retired already. */
  forgetFiles(jobs: readonly { account: string; job: string }[], now: number): void {
    this.#run((turn) => {
      for (const { account, job } of jobs) {
        turn.sql.run("DELETE FROM names WHERE account_id = ? AND job_id = ?", account, job);
        turn.sql.run(
          "UPDATE files SET deleted_at = coalesce(deleted_at, ?) WHERE account_id = ? AND job_id = ?",
          now,
          account,
          job,
        );
      }
    });
  }

  claimNames(account: string, moves: readonly FileMove[]): boolean {
    return this.#run((turn) => claimNames(turn, account, moves));
  }
  dropClaims(account: string, moves: readonly FileMove[]): void {
    this.#run((turn) => dropClaims(turn, account, moves));
  }
  filesMoved(account: string, moves: readonly FileMove[], keepOld: boolean): void {
    this.#run((turn) => filesMoved(turn, account, moves, keepOld));
  }
  filesErased(fileIds: readonly string[]): void {
    this.#run((turn) => filesErased(turn, fileIds));
  }

  totals(account: string): AccountTotals {
    return readAccountTotals(this.#deps.core.sql, account);
  }

  usage(account: string): AccountUsage {
    return readAccountUsage(this.#deps.core.sql, account);
  }

  readFile(account: string, fileId: string): FileRow | null {
    return readFile(this.#deps.core.sql, account, fileId);
  }

  #run<Result>(body: (turn: Turn) => Result): Result {
    const { core, now, follow } = this.#deps;
    const { result, effects } = core.run(now(), Math.random, body);
    follow(effects);
    return result;
  }

  #passed(event: number): Promise<boolean> {
    return this.#deps.d1.passed(event, GROUP_COMMIT_WAIT_MS);
  }
}

/** A step that the node has reported since its last frame of progress counts: what is shown never goes back. */
function isBehind(entry: BoardEntry, row: JobRow): boolean {
  return STEPS.indexOf(entry.step) < STEPS.indexOf((row.step ?? "extract") as Step);
}
