/**
 * The desk at which nodes report: one method per call of the fleet protocol. Each takes who is calling, holds the token
 * against the job in one transaction, and answers; a stale token changes nothing and hears `lease_lost`.
 */

import type { z } from "zod";
import { cleanText } from "../../shared/clean-text.ts";
import { FAILURE_RULES } from "../../shared/contract/failures.ts";
import type {
  ConfirmAnswer,
  ExtractedAnswer,
  ExtractedRequest,
  HeartbeatAnswer,
  HeartbeatRequest,
  Intervals,
  LeaseAnswer,
  LeaseRequest,
  ProgressEntry,
  Step,
  Ticket,
  TicketRequest,
} from "../../shared/contract/fleet.ts";
import type { Manifest } from "../../shared/contract/media.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { derivedId, nthDerivedId } from "../../shared/derived-id.ts";
import { MAX_NODE_REASON_LENGTH } from "../../shared/limits.ts";
import type { Core } from "./core.ts";
import { readCursor } from "./drain.ts";
import type { FailureReport } from "./end.ts";
import type { JobEventData } from "./events.ts";
import { becomeParent, type ExpansionIds } from "./expand.ts";
import type { LiveJob } from "./job-row.ts";
import { leaseJobs } from "./lease.ts";
import { getJob, getJobRow } from "./move.ts";
import { passTakenNames } from "./name-looks.ts";
import { ordersFor } from "./node-orders.ts";
import type { ProgressBoard } from "./progress-board.ts";
import { claim, complete, confirm, endAsList, extracted, fail, setStep } from "./report.ts";
import { sealedTooLarge, secretsTooLarge } from "./sealed.ts";
import { enterSession, heartbeat, type NodeIdentity, releaseAttempt, takesNoWork } from "./sessions.ts";
import { HOLDS_NODE, type State } from "./states.ts";
import { MANAGED_TARGET, type OpenStore, type StoreRef } from "./targets.ts";
import { type AttemptDesk, ticket } from "./tickets.ts";
import { type Effects, type Turn, tokenOf } from "./turn.ts";
import { addStrayUpload, hasUploads, liveUpload, storeOf, uploadPlace } from "./uploads.ts";
import type { Watch } from "./watch.ts";

export interface NodeDeskDeps {
  core: Core;
  board: ProgressBoard;
  watch: Watch;
  open: OpenStore;
  relayUrl: AttemptDesk["relayUrl"];
  now: () => number;
  follow(effects: Effects): void;
  /** The URL guard, under the operator's policy. */
  acceptsUrl(url: string): boolean;
  /** What a job's sealed record has for the node that runs it. @throws SecretBoxError */
  openSecrets(account: string, sealed: string): Promise<Pick<ConfirmAnswer, "cookies" | "args">>;
  /** Tells a node to report faster, if it does not know yet. */
  pace(node: string): void;
  /** Whether a node may have slots free, as far as its calls tell. */
  room(node: string, free: boolean): void;
  publish(account: string, events: JobEventData[]): void;
}

/** Why a call was not taken; the route turns it into the protocol's error. */
export type Refusal = { refused: "session_fenced" | "lease_lost" | "bad_request" | "node_revoked"; message: string };
type Answer<T> = T | Refusal;

const FENCED: Refusal = { refused: "session_fenced", message: "A newer session of this node exists" };
const REMOVED: Refusal = { refused: "node_revoked", message: "The operator has removed this node" };
const LOST: Refusal = { refused: "lease_lost", message: "This attempt is no longer yours: end it and publish nothing" };

const UNREADABLE = "What was entrusted to the job can no longer be read";

export class NodeDesk {
  readonly #deps: NodeDeskDeps;

  constructor(deps: NodeDeskDeps) {
    this.#deps = deps;
  }

  heartbeat(who: NodeIdentity, beat: z.infer<typeof HeartbeatRequest>): Answer<HeartbeatAnswer> {
    const { board, watch } = this.#deps;
    const jobs = beat.holding.map((held) => held.job);
    const { drained, quarantine } = ordersFor(this.#deps.core.sql, who.node);
    const state = takesNoWork(this.#deps.core.sql, who) ? "quiet" : beat.state;
    const reason = cleanText(beat.reason ?? "", { max: MAX_NODE_REASON_LENGTH }) || null;
    const kill = this.#enter(who, (turn) =>
      heartbeat(turn, who, { ...beat, state, reason, progress: board.toRow(jobs) }),
    );
    if ("refused" in kill) return kill;
    this.#deps.room(who.node, state === "running" && beat.slots.download + beat.slots.live > 0);
    const intervals = this.intervals(jobs.some((job) => this.#isWatched(job)));
    watch.tell(who.node, intervals.progress_ms);
    return { kill: kill.value, intervals, ...drainOrder(drained, quarantine) };
  }

  /** Someone has read the job lately, or a stream of its account is open. */
  #isWatched(job: string): boolean {
    const { core, watch, now } = this.#deps;
    if (watch.isWatched(job, now())) return true;
    return (
      core.sql.get(
        "SELECT 1 AS x FROM jobs j JOIN accounts a ON a.id = j.account_id WHERE j.id = ? AND a.watched > 0",
        job,
      ) !== undefined
    );
  }

  /** What the edge dictates: everything follows the lease TTL. */
  intervals(watched: boolean): Intervals {
    const { config } = this.#deps.core;
    return {
      lease_ttl_ms: config.leaseTtlMs,
      heartbeat_ms: Math.floor(config.heartbeatMs),
      poll_ms: Math.floor(config.pollMs),
      progress_ms: Math.floor(watched ? config.progressWatchedMs : config.progressUnwatchedMs),
    };
  }

  lease(who: NodeIdentity, request: z.infer<typeof LeaseRequest>): Answer<z.infer<typeof LeaseAnswer>> {
    const cursor = readCursor(this.#deps.core.sql, "d1");
    const jobs = this.#enter(who, (turn) =>
      takesNoWork(turn.sql, who) ? [] : leaseJobs(turn, who, request.request_id, request.slots, cursor),
    );
    if ("refused" in jobs) return jobs;
    const asked = request.slots.download + request.slots.live;
    this.#deps.room(who.node, jobs.value.length < asked && !takesNoWork(this.#deps.core.sql, who));
    return { jobs: jobs.value };
  }

  /** A repeat of it, while the attempt runs, hears the secrets again. */
  async confirm(who: NodeIdentity, job: string, token: string): Promise<Answer<ConfirmAnswer>> {
    const answer = this.#report<LiveJob>(who, job, token, (turn, held) => {
      const confirmed = confirm(turn, held, who);
      return { state: confirmed.state, extra: confirmed };
    });
    if ("refused" in answer) return answer;
    // Somebody may have been waiting for it to begin: they want to see it move.
    if (this.#isWatched(job)) this.#deps.pace(who.node);
    const { state, extra } = answer;
    if (extra === undefined || extra.sealed === null) return { state };
    try {
      return { state, ...(await this.#deps.openSecrets(extra.account_id, extra.sealed)) };
    } catch {
      // The operator has lost or changed TRAWL_KEK: without them the site would only say that it is private.
      const report = { class: "media", message: UNREADABLE, permanent: true, retryAfterMs: null } as const;
      this.fail(who, job, token, report);
      return LOST;
    }
  }

  step(who: NodeIdentity, job: string, token: string, step: Step): Answer<{ state: State }> {
    return this.#report(who, job, token, (turn, held) => ({ state: setStep(turn, held, step).state }));
  }

  release(who: NodeIdentity, job: string, token: string): Answer<{ state: State }> {
    return this.#report(who, job, token, (turn, held) => {
      releaseAttempt(turn, held);
      return { state: "queued" };
    });
  }

  fail(who: NodeIdentity, job: string, token: string, report: FailureReport): Answer<{ state: State }> {
    return this.#report(who, job, token, (turn, held) => ({ state: fail(turn, held, report).state }));
  }

  async complete(who: NodeIdentity, job: string, token: string, manifest: Manifest): Promise<Answer<{ state: State }>> {
    let bad = await this.#uncounted(job, manifest);
    if (bad !== null) return { refused: "bad_request", message: bad };
    const answer = this.#report(who, job, token, (turn, held) => {
      if (held.state !== "running") return { state: held.state };
      const result = complete(turn, held, manifest);
      if (result.kind === "bad_manifest") {
        bad = result.reason;
        return { state: held.state };
      }
      return { state: result.job.state };
    });
    return bad === null ? answer : { refused: "bad_request", message: bad };
  }

  /** What is wrong with files that come without a hash; null: nothing, the store of this job counts it. */
  async #uncounted(job: string, { files }: Manifest): Promise<string | null> {
    const at = files.findIndex((file) => file.sha256 === undefined);
    const held = at < 0 ? undefined : getJobRow(this.#deps.core.sql, job);
    // Of a job that is not here the token says enough.
    if (held === undefined) return null;
    const managed = held.target_id === MANAGED_TARGET ? await this.#deps.open(storeOf(held)) : null;
    if (managed?.countsSha256 === true) return null;
    return `manifest.files.${at}.sha256: required, because the store of this file counts none`;
  }

  async extracted(
    who: NodeIdentity,
    job: string,
    token: string,
    result: ExtractedRequest["result"],
    origin: string,
  ): Promise<Answer<ExtractedAnswer>> {
    const list = result.kind === "list" ? await this.#prepareList(job, result) : null;
    let mayTakeMs: number | null = null;
    let named = true;
    const decision = this.#report<"go" | "stop" | "expanded">(
      who,
      job,
      token,
      (turn, held) => {
        if (result.kind === "list") return { state: held.state, extra: takeList(turn, held, list ?? NO_LIST) };
        const decided = extracted(turn, held, result.info);
        if (decided.kind === "go" && result.info.is_live) mayTakeMs = decided.deadlineMs;
        named = decided.job.reserved !== null;
        return { state: held.state, extra: decided.kind };
      },
      "running",
    );
    if ("refused" in decision) return decision;
    if (decision.extra !== "go") {
      this.#deps.board.forget(job);
      return { decision: decision.extra ?? "stop" };
    }
    const longer = mayTakeMs === null ? {} : { deadline_ms: mayTakeMs };
    // yt-dlp has yet to name the file of a job of the library API.
    if (!named) return { decision: "go", tickets: [], ...longer };
    const desk = this.#attemptDesk(who, job, token);
    await passTakenNames(desk);
    const wish = { token, kind: "media", language: null, size: null, upload_id: null, from_part: 1 } as const;
    const first = await ticket(desk, wish, origin);
    if (first === "storage_failed") return { decision: "stop" };
    return "refused" in first ? first : { decision: "go", tickets: [first.ticket], ...longer };
  }

  /** A node is a stranger: entries are guarded like URLs of clients. The ids are derived before the transaction. */
  async #prepareList(job: string, list: List): Promise<PreparedList> {
    const entries = list.entries.filter((entry) => this.#deps.acceptsUrl(entry.url));
    const known = getJobRow(this.#deps.core.sql, job);
    const time = known?.created_at ?? 0;
    const batch = await derivedId(time, job, "batch");
    const children = await Promise.all(entries.map((_, index) => nthDerivedId(time, index, batch)));
    return { list: { ...list, entries }, ids: { batch, children } };
  }

  /** Begins an upload for one file of the attempt, or hands out more part URLs of one. */
  async ticket(
    who: NodeIdentity,
    job: string,
    request: z.infer<typeof TicketRequest>,
    origin: string,
  ): Promise<Answer<{ ticket: Ticket }>> {
    const desk = this.#attemptDesk(who, job, request.token);
    // The name is reserved with the first question; the next ones find that an upload is bound to it.
    if (request.name !== undefined && request.kind === "media" && this.#reserves(desk, request))
      await passTakenNames(desk);
    const result = await ticket(desk, request, origin);
    // The desk has ended the attempt: to its node that is as good as lost.
    return result === "storage_failed" ? LOST : result;
  }

  /** Whether this question is the one that reserves the name of a job's files. */
  #reserves(desk: AttemptDesk, { kind, language, name }: z.infer<typeof TicketRequest>): boolean {
    const asked = desk.run(
      (turn, job) => !hasUploads(turn, job) && uploadPlace(turn, job, kind, language, name) !== null,
    );
    return "value" in asked && asked.value;
  }

  /** The store's way to one attempt: what it asks runs only while that attempt does. */
  #attemptDesk(who: NodeIdentity, job: string, token: string): AttemptDesk {
    const { core, open, relayUrl, now, follow } = this.#deps;
    return {
      job,
      token,
      open,
      relayUrl,
      now,
      stray: (upload, place) =>
        follow(core.run(now(), Math.random, (turn) => addStrayUpload(turn, job, upload, place)).effects),
      run: (body) => {
        const ask = (turn: Turn, held: LiveJob) => ({ state: held.state, extra: { value: body(turn, held) } });
        const answer = this.#report(who, job, token, ask, "running");
        return "refused" in answer ? answer : (answer.extra ?? LOST);
      },
    };
  }

  /** Where a relayed part goes, while its upload lives; null: it has ended. */
  relayedUpload(job: string, uploadId: string): { store: StoreRef; storeKey: string } | null {
    return liveUpload(this.#deps.core.sql, job, uploadId);
  }

  progress(who: NodeIdentity, frame: readonly ProgressEntry[]): void {
    const { board, core, now } = this.#deps;
    const holds = (id: string, token: string): LiveJob | null =>
      core.run(now(), Math.random, (turn) => {
        const job = getJob(turn, id);
        if (job === undefined || job.state !== "running" || job.node_id !== who.node) return null;
        return tokenOf(turn, job.attempt) === token ? job : null;
      }).result;
    const told = Map.groupBy(board.take(frame, holds, core.ids, now()), ({ job }) => job.account_id);
    for (const [account, events] of told) {
      this.#deps.publish(
        account,
        events.map(({ data }) => data),
      );
    }
  }

  /** Lets the session in (or fences it), runs the body in the same transaction, and follows its effects. */
  #enter<T>(who: NodeIdentity, body: (turn: Turn) => T): { value: T } | Refusal {
    const { core, now, follow } = this.#deps;
    const { result, effects } = core.run(now(), Math.random, (turn) => {
      if (ordersFor(turn.sql, who.node).removed) return REMOVED;
      return enterSession(turn, who) ? { value: body(turn) } : FENCED;
    });
    follow(effects);
    return result;
  }

  /**
   * A report about one job. A token that has decided the job already hears the stored outcome; for calls that only make
   * sense while the attempt runs, `needs` turns that into `lease_lost` too.
   */
  #report<Extra = undefined>(
    who: NodeIdentity,
    id: string,
    token: string,
    body: (turn: Turn, job: LiveJob) => { state: State; extra?: Extra },
    needs: "running" | "held" = "held",
  ): Answer<{ state: State; extra?: Extra }> {
    const entered = this.#enter<Answer<{ state: State; extra?: Extra }>>(who, (turn) => {
      const claimed = claim(turn, who, id, token);
      if (claimed.kind === "decided" && needs === "held") return { state: claimed.state };
      if (claimed.kind !== "holder") return LOST;
      if (needs === "running" && claimed.job.state !== "running") return LOST;
      return body(turn, claimed.job);
    });
    // The board is in memory and has no other end.
    if (!("refused" in entered) && !("refused" in entered.value) && !HOLDS_NODE.includes(entered.value.state)) {
      this.#deps.board.forget(id);
    }
    return "refused" in entered ? entered : entered.value;
  }
}

/** A node in quarantine does what a drained one does, and can say in its log why. */
function drainOrder(drained: boolean, quarantine: string | null): Pick<HeartbeatAnswer, "drain" | "reason"> {
  if (quarantine !== null) return { drain: true, reason: quarantine };
  return drained ? { drain: true } : {};
}

type List = Extract<ExtractedRequest["result"], { kind: "list" }>;

interface PreparedList {
  list: List;
  ids: ExpansionIds;
}

const NO_LIST: PreparedList = {
  list: { kind: "list", title: null, entries: [], truncated: false },
  ids: { batch: "", children: [] },
};

/** A list under `never` ends the job; otherwise the job becomes its parent (jobs API 3.4). */
function takeList(turn: Turn, job: LiveJob, { list, ids }: PreparedList): "stop" | "expanded" {
  const { playlist } = JSON.parse(job.options) as JobOptions;
  if (playlist === "never") endAsList(turn, job, FAILURE_RULES.list.text);
  else if (list.entries.length === 0) endAsList(turn, job, "Playlist has no downloadable items", "unsupported");
  else if (sealedTooLarge(job.sealed, list.entries.length))
    endAsList(turn, job, secretsTooLarge(list.entries.length), "unsupported");
  else {
    becomeParent(turn, job, list, ids);
    return "expanded";
  }
  return "stop";
}
