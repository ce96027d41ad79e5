/** The fleet protocol at the edge, as `node-desk.ts` answers it: each report is held against its token first. */

import type { FailureReport } from "../../../edge/partition/end.ts";
import type { LiveJob } from "../../../edge/partition/job-row.ts";
import { getJob } from "../../../edge/partition/move.ts";
import { type NodeIdentity, takesNoWork } from "../../../edge/partition/sessions.ts";
import { isTerminal, type State } from "../../../edge/partition/states.ts";
import { type Turn, tokenOf } from "../../../edge/partition/turn.ts";
import type { Held, LeasedJob, ProgressEntry, Slots, Step } from "../../../shared/contract/fleet.ts";
import type { ExtractedInfo, FileKind, Manifest } from "../../../shared/contract/media.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { runningOf } from "./fleet-checks.ts";
import type { Host } from "./host.ts";
import type { Tables } from "./state-checks.ts";
import { listOf } from "./wishes.ts";
import { demand, Violation } from "./world.ts";

export type Answer<T> = { ok: T } | { refused: "session_fenced" | "lease_lost" | "bad_request" };
const FENCED = { refused: "session_fenced" } as const;
const LOST = { refused: "lease_lost" } as const;
const PART_SIZE = 16 * 1_048_576;

export interface Beat {
  holding: Held[];
  slots: Slots;
  state: "running" | "quiet";
}

export class Desk {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  heartbeat(who: NodeIdentity, beat: Beat): Answer<Held[]> {
    const { board, core, watcher } = this.#host;
    const progress = board.toRow(beat.holding.map((held) => held.job));
    let before: Held[] = [];
    let { state } = beat;
    const answer = this.#enter(who, (turn) => {
      before = runningOf(core, who);
      if (takesNoWork(turn.sql, who)) state = "quiet";
      watcher.dispatch.beat(who.node, beat.slots, watcher.tables);
      return this.#api.heartbeat(turn, who, { ...beat, state, progress });
    });
    if ("ok" in answer) watcher.fleet.beat(who, { ...beat, state }, before, core, answer.ok);
    return answer;
  }

  lease(who: NodeIdentity, requestId: string, slots: Slots): Answer<LeasedJob[]> {
    const { core, watcher } = this.#host;
    const d1Cursor = this.#api.readCursor(core.sql, "d1");
    let before: Tables | null = null;
    const answer = this.#enter(who, (turn) => {
      if (takesNoWork(turn.sql, who)) return [];
      before = watcher.tables;
      return this.#api.leaseJobs(turn, who, requestId, slots, d1Cursor);
    });
    if ("ok" in answer) {
      watcher.fleet.leased(who, answer.ok, core);
      if (before !== null) watcher.dispatch.leased({ who, requestId, slots, d1Cursor }, answer.ok, before, core);
    }
    return answer;
  }

  confirm(who: NodeIdentity, job: string, token: string): Answer<State> {
    return this.#report(who, job, token, "confirm", (turn, held) => this.#api.confirm(turn, held, who).state);
  }

  step(who: NodeIdentity, job: string, token: string, step: Step): Answer<State> {
    return this.#report(who, job, token, "step", (turn, held) => this.#api.setStep(turn, held, step).state);
  }

  release(who: NodeIdentity, job: string, token: string): Answer<State> {
    return this.#report(who, job, token, "release", (turn, held) => {
      this.#host.watcher.failures.reported(job, null);
      this.#api.releaseAttempt(turn, held);
      return "queued";
    });
  }

  fail(who: NodeIdentity, job: string, token: string, report: FailureReport): Answer<State> {
    return this.#report(who, job, token, "fail", (turn, held) => {
      this.#host.watcher.failures.reported(job, report);
      const { state } = this.#api.fail(turn, held, report);
      if (report.permanent && held.state === "running" && !isTerminal(state)) {
        throw new Violation(`what no repeat can help is not repeated: job ${job}: ${report.class} → ${state}`);
      }
      return state;
    });
  }

  /** @param spoilt it is not true, and has to be found so. */
  complete(who: NodeIdentity, job: string, token: string, manifest: Manifest, spoilt: boolean): Answer<State> {
    let bad = false;
    const answer = this.#report(who, job, token, "complete", (turn, held) => {
      if (held.state !== "running") return held.state;
      const result = this.#api.complete(turn, held, manifest);
      const right = (result.kind === "bad_manifest") === (spoilt && held.state === "running");
      demand(
        "a manifest is what was ticketed and uploaded",
        right,
        () => `job ${job}: ${JSON.stringify(manifest.files)}`,
      );
      if (result.kind !== "bad_manifest") return result.job.state;
      bad = true;
      return held.state;
    });
    return bad ? { refused: "bad_request" } : answer;
  }

  /** `stop` when the job ended here, or became the parent of a list. */
  extracted(who: NodeIdentity, job: string, token: string, info: ExtractedInfo | "list"): Answer<"go" | "stop"> {
    return this.#running(who, job, token, "extracted", (turn, held) => {
      if (info !== "list") {
        const { kind } = this.#api.extracted(turn, held, info);
        this.#host.watcher.failures.extracted(held, info, kind);
        return kind;
      }
      const { entries, ids } = listOf(job);
      const { playlist } = JSON.parse(held.options) as JobOptions;
      if (playlist === "never") this.#api.endAsList(turn, held, "URL is a playlist");
      else this.#api.becomeParent(turn, held, { kind: "list", title: "A list", entries, truncated: false }, ids);
      return "stop";
    });
  }

  /** The store begins the upload outside any transaction: the attempt may have ended when it answers. */
  ticket(
    who: NodeIdentity,
    job: string,
    token: string,
    kind: FileKind,
    reply: (answer: Answer<{ uploadId: string }> | null) => void,
  ): void {
    const { world } = this.#host;
    const asked = this.#running(who, job, token, "ticket", (turn, held) => ({
      target: this.#api.uploadPlace(turn, held, kind, null),
      begun: this.#api.findUpload(turn, held, token, kind, null),
    }));
    if ("refused" in asked) {
      reply(asked);
      return;
    }
    const { target, begun } = asked.ok;
    if (begun !== null) {
      reply({ ok: { uploadId: begun.uploadId } });
      return;
    }
    if (target === null) {
      reply({ refused: "bad_request" });
      return;
    }
    if (world.random.chance(world.weather.storeUnavailable)) {
      reply(null);
      return;
    }
    const uploadId = world.store.begin({ key: target.storeKey, job, token });
    this.#host.later(world.random.ms(1, 400), () => {
      const noted = this.#running(who, job, token, "ticket", (turn, held) => {
        const upload = { uploadId, token, kind, language: null, partSize: PART_SIZE };
        this.#api.addUpload(turn, held, upload, target);
        return this.#api.findUpload(turn, held, token, kind, null);
      });
      const row = "refused" in noted ? null : noted.ok;
      if (row?.uploadId === uploadId) world.store.noted.add(uploadId);
      else world.store.abort(uploadId);
      reply("refused" in noted ? noted : row === null ? LOST : { ok: { uploadId: row.uploadId } });
    });
  }

  progress(who: NodeIdentity, frame: readonly ProgressEntry[]): void {
    const { core, world, board, watcher } = this.#host;
    const holds = (id: string, token: string): LiveJob | null =>
      this.#host.turn((turn) => {
        const job = getJob(turn, id);
        if (job === undefined || job.state !== "running" || job.node_id !== who.node) return null;
        return tokenOf(turn, job.attempt) === token ? job : null;
      });
    for (const { job, data } of board.take(frame, holds, core.ids, world.now)) watcher.progressed(job.id, data);
  }

  get #api() {
    return this.#host.world.api;
  }

  #enter<T>(who: NodeIdentity, body: (turn: Turn) => T): Answer<T> {
    return this.#host.turn((turn) => {
      const isIn = this.#api.enterSession(turn, who);
      this.#host.watcher.fleet.entered(who, isIn);
      if (isIn) this.#host.watcher.failures.entered(who.node, who.session);
      // What an older session held has gone back before this one says anything.
      this.#host.watcher.check(this.#host.core, turn.effects);
      return isIn ? { ok: body(turn) } : FENCED;
    });
  }

  #report(
    who: NodeIdentity,
    id: string,
    token: string,
    call: string,
    body: (turn: Turn, job: LiveJob) => State,
  ): Answer<State> {
    const entered = this.#enter<Answer<State>>(who, (turn) => {
      const claimed = this.#api.claim(turn, who, id, token);
      this.#host.watcher.claimed(who, id, token, call, claimed);
      if (claimed.kind === "decided") return { ok: claimed.state };
      return claimed.kind === "holder" ? { ok: body(turn, claimed.job) } : LOST;
    });
    return "refused" in entered ? entered : entered.ok;
  }

  #running<T>(
    who: NodeIdentity,
    id: string,
    token: string,
    call: string,
    body: (turn: Turn, job: LiveJob) => T,
  ): Answer<T> {
    const entered = this.#enter<Answer<T>>(who, (turn) => {
      const claimed = this.#api.claim(turn, who, id, token);
      this.#host.watcher.claimed(who, id, token, call, claimed);
      if (claimed.kind !== "holder" || claimed.job.state !== "running") return LOST;
      return { ok: body(turn, claimed.job) };
    });
    return "refused" in entered ? entered : entered.ok;
  }
}
