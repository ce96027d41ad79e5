/** A core on an empty store with the clock in the test's hand, and the few moves that most tests begin with. */
import { Core } from "../../edge/partition/core.ts";
import { type AccountFacts, createJobs } from "../../edge/partition/create.ts";
import { advanceCursor, SINKS } from "../../edge/partition/drain.ts";
import type { FailureReport } from "../../edge/partition/end.ts";
import { EventIds } from "../../edge/partition/event-ids.ts";
import type { EventRow } from "../../edge/partition/events.ts";
import { committed } from "../../edge/partition/finish.ts";
import type { LiveJob } from "../../edge/partition/job-row.ts";
import { leaseJobs } from "../../edge/partition/lease.ts";
import { moveJob } from "../../edge/partition/move.ts";
import { claim, complete, confirm, extracted, fail } from "../../edge/partition/report.ts";
import { openSchema, setMeta } from "../../edge/partition/schema.ts";
import { enterSession, type NodeIdentity } from "../../edge/partition/sessions.ts";
import type { State } from "../../edge/partition/states.ts";
import { type CoreOptions, type Effects, noEffects, resolveCore, type Turn } from "../../edge/partition/turn.ts";
import { addUpload, uploadPlace } from "../../edge/partition/uploads.ts";
import type { FailureClass } from "../../shared/contract/failures.ts";
import { account, id, identity, info, type JobWish, manifest, newJob, START } from "./fixtures.ts";
import { type NodeSql, nodeSql } from "./node-sql.ts";

export const MINUTE = 60_000;

export class Harness {
  readonly sql: NodeSql = nodeSql();
  now = START;
  /** What the dice show. */
  draw = 0.5;
  core: Core;
  effects: Effects = noEffects();
  #requests = 0;

  /** Most tests are about one host, and not about politeness to it. */
  constructor(options: CoreOptions = {}) {
    openSchema(this.sql);
    setMeta(this.sql, "epoch", "1");
    this.core = new Core("p1:test:0", this.sql, resolveCore({ maxPerHost: 0, ...options }), 1, EventIds.load(this.sql));
  }

  run<Result>(body: (turn: Turn) => Result): Result {
    const { result, effects } = this.core.run(this.now, () => this.draw, body);
    this.effects = effects;
    return result;
  }

  /** The object ends and starts again on the same storage. */
  reload(epoch = this.core.epoch): void {
    this.core = new Core(this.core.name, this.sql, this.core.config, epoch, EventIds.load(this.sql));
  }

  create(jobId: string, wish: JobWish = {}, facts: AccountFacts = account("ann")): LiveJob {
    this.run((turn) => createJobs(turn, facts, [newJob(jobId, facts.id, wish)]));
    return this.job(jobId);
  }

  job(jobId: string): LiveJob {
    const job = this.sql.get<LiveJob>("SELECT * FROM jobs WHERE id = ?", jobId);
    if (job === undefined) throw new Error(`no job ${jobId}`);
    return job;
  }

  events(jobId?: string): EventRow[] {
    return jobId === undefined
      ? this.sql.all("SELECT * FROM events ORDER BY id")
      : this.sql.all("SELECT * FROM events WHERE job_id = ? ORDER BY id", jobId);
  }

  /** Both sinks have everything. */
  drain(): void {
    for (const sink of SINKS) advanceCursor(this.sql, sink, this.events().at(-1)?.id ?? 0);
  }

  /** Asks for work as a node does; the ids that it got. */
  lease(who: NodeIdentity = identity("n1"), download = 1, requestId = `r${++this.#requests}`): string[] {
    return this.leased(who, download, requestId).map((leased) => leased.job);
  }

  leased(who: NodeIdentity = identity("n1"), download = 1, requestId = `r${++this.#requests}`) {
    return this.run((turn) => {
      if (!enterSession(turn, who)) throw new Error("fenced");
      return leaseJobs(turn, who, requestId, { download, live: 0 }, Number.MAX_SAFE_INTEGER);
    });
  }

  token(jobId: string): string {
    return `${this.core.epoch}.${this.job(jobId).attempt}`;
  }

  claim(jobId: string, token: string, who: NodeIdentity = identity("n1")) {
    return this.run((turn) => claim(turn, who, jobId, token));
  }

  confirm(jobId: string, who: NodeIdentity = identity("n1")): LiveJob {
    return this.run((turn) => confirm(turn, this.job(jobId), who));
  }

  extracted(jobId: string, title: string | null = "A title"): LiveJob {
    return this.run((turn) => extracted(turn, this.job(jobId), info({ title })).job);
  }

  fail(jobId: string, failure: FailureClass, wish: Partial<FailureReport> = {}): LiveJob {
    const report = { class: failure, message: null, permanent: false, retryAfterMs: null, ...wish };
    return this.run((turn) => fail(turn, this.job(jobId), report));
  }

  /** Begins the media upload and completes with it. */
  complete(jobId: string): LiveJob {
    const uploadId = `u-${this.token(jobId)}-${jobId}`;
    return this.run((turn) => {
      const job = this.job(jobId);
      const target = uploadPlace(turn, job, "media", null);
      if (target === null) throw new Error("not extracted");
      const upload = { uploadId, token: this.token(jobId), kind: "media" as const, language: null, partSize: 100 };
      addUpload(turn, job, upload, target);
      const result = complete(turn, job, manifest([{ uploadId }]));
      if (result.kind === "bad_manifest") throw new Error(result.reason);
      return result.job;
    });
  }

  /** @param storeKey where the store put it, if not where it was asked to. */
  committed(jobId: string, storeKey?: string): LiveJob | null {
    const upload = this.sql.get<{ upload_id: string; store_key: string }>(
      "SELECT upload_id, store_key FROM uploads WHERE job_id = ? AND doomed_at IS NULL",
      jobId,
    );
    if (upload === undefined) return this.run((turn) => committed(turn, jobId, []));
    const file = {
      uploadId: upload.upload_id,
      fileId: `f-${jobId}`,
      etag: '"e"',
      sha256: "a".repeat(64),
      size: 100,
      url: null,
    };
    return this.run((turn) => committed(turn, jobId, [{ ...file, storeKey: storeKey ?? upload.store_key }]));
  }

  /** Leased and confirmed; the node must be the only one asking. */
  start(jobId: string, who: NodeIdentity = identity("n1")): LiveJob {
    const got = this.lease(who);
    if (got[0] !== jobId) throw new Error(`leased ${got[0]}`);
    return this.confirm(jobId, who);
  }

  finish(jobId: string, who: NodeIdentity = identity("n1"), title: string | null = "A title"): LiveJob {
    this.start(jobId, who);
    this.extracted(jobId, title);
    this.complete(jobId);
    return this.committed(jobId) ?? this.job(jobId);
  }

  /** Brings a new job to a state by the ordinary way. */
  reach(state: State, jobId = id(1)): LiveJob {
    this.create(jobId, { held: state === "held", options: { wait_for_video: state === "waiting" } });
    const walk: Partial<Record<State, () => unknown>> = {
      offered: () => this.lease(),
      running: () => this.start(jobId),
      delayed: () => [this.start(jobId), this.fail(jobId, "network")],
      waiting: () => [this.start(jobId), this.fail(jobId, "not_begun")],
      finishing: () => [this.start(jobId), this.extracted(jobId), this.complete(jobId)],
      parent: () => [this.start(jobId), this.run((turn) => moveJob(turn, this.job(jobId), "parent", PARENT))],
      completed: () => this.finish(jobId),
      failed: () => [this.start(jobId), this.fail(jobId, "clip")],
      warning: () => [this.start(jobId), this.fail(jobId, "private")],
      skipped: () => [this.start(jobId), this.fail(jobId, "drm")],
      cancelled: () => this.run((turn) => moveJob(turn, this.job(jobId), "cancelled", {})),
    };
    walk[state]?.();
    const job = this.job(jobId);
    if (job.state !== state) throw new Error(`wanted ${state}, reached ${job.state}`);
    return job;
  }
}

const PARENT = { node_id: null, session: null, deadline_at: null };
