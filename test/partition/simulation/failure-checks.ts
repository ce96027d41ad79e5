/** What follows once an attempt has not delivered (jobs API 12): which try it costs, how long it waits, when it is given up. */
import type { FailureReport } from "../../../edge/partition/end.ts";
import { type LiveJob, parseTries } from "../../../edge/partition/job-row.ts";
import type { SessionRow } from "../../../edge/partition/sessions.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import { FAILURE_CLASSES, type FailureClass } from "../../../shared/contract/failures.ts";
import type { ExtractedInfo } from "../../../shared/contract/media.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { WAIT_FOR_VIDEO_MS } from "../../../shared/limits.ts";
import { canServe, type DispatchChecks } from "./dispatch-checks.ts";
import { type Counts, deadlineOf, hasTriesLeft, limitsOn, longestBackoff, restOf, sumOf } from "./expectations.ts";
import type { Move } from "./observation.ts";
import { endOfLease, type Tables } from "./state-checks.ts";
import { demand, type World } from "./world.ts";

/** Classes that the edge itself ends a job with: no repeat could help. */
const FINAL: readonly (FailureClass | null)[] = ["cancelled", "quota", "too_large", "list", "unsupported"];

export class FailureChecks {
  readonly #world: World;
  readonly #dispatch: DispatchChecks;
  /** What is being reported in this transaction, and of which job. */
  #report: { job: string; failure: FailureReport | null } | null = null;
  /** Absences that nothing of a node's time may be lost to. */
  readonly #away: { from: number; until: number }[] = [];
  /** By node: the session that spoke last. */
  readonly #newest = new Map<string, number>();

  constructor(world: World, dispatch: DispatchChecks) {
    this.#world = world;
    this.#dispatch = dispatch;
  }

  /** The job's own attempt speaks; with `failure`, it gives up. */
  reported(job: string, failure: FailureReport | null): void {
    this.#report = { job, failure };
  }

  entered(node: string, session: number): void {
    this.#newest.set(node, session);
  }

  /** The edge was away, and every node's silence is forgiven. */
  edgeAway(from: number, until: number): void {
    this.#away.push({ from: Math.max(from, this.#away.at(-1)?.until ?? 0), until });
  }

  moved(moves: readonly Move[], before: Tables, after: Tables): void {
    const old = new Map(before.jobs.map((job) => [job.id, job]));
    const now = new Map(after.jobs.map((job) => [job.id, job]));
    for (const { job, old: from, new: to } of moves) {
      const [was, is] = [old.get(job), now.get(job)];
      if (was === undefined || is === undefined || from !== was.state || to !== is.state) continue;
      if (from === "offered" && to === "running") this.#began(is, after);
      if (from === "running") this.#ended(was, is, before);
      if (from === "finishing" && to === "delayed") this.#repeats(was, is, "storage", before);
    }
    this.#dispatch.forget(after.jobs);
    this.#report = null;
  }

  /** Longer than the account lets it, it is not downloaded. A stream ends at the limit by itself. */
  extracted(job: LiveJob, info: ExtractedInfo, decision: "go" | "stop"): void {
    const limits = this.#limitsOf(job, this.#world.accounts);
    const { max_duration_seconds: most = Number.POSITIVE_INFINITY } = limitsOn(job, limits);
    const fits = info.is_live || (info.duration_seconds ?? 0) <= most;
    const about = () => `job ${job.id}: ${info.duration_seconds} of ${most} s: ${decision}`;
    // Its account may have no room left.
    demand(
      "nothing is downloaded that is too long",
      fits ? decision === "go" || limits.includes("storage") : decision === "stop",
      about,
    );
  }

  #limitsOf(job: LiveJob, accounts: readonly { id: string; limits: string }[]): string {
    return accounts.find((account) => account.id === job.account_id)?.limits ?? "{}";
  }

  #began(job: LiveJob, tables: Tables): void {
    const may = this.#mayTake(job, tables);
    const until = (job.deadline_at ?? 0) + tables.absence.awayMs;
    const right = this.#world.now + may;
    demand("an attempt may run as long as it may", until === right, () => `job ${job.id}: ${until}, not ${right}`);
  }

  #ended(was: LiveJob, is: LiveJob, before: Tables): void {
    const about = () => `job ${was.id}: ${was.tries} → ${is.state}, ${is.tries}`;
    const cost = FAILURE_CLASSES.filter((name) => (parseTries(is)[name] ?? 0) !== (parseTries(was)[name] ?? 0));
    const more = sumOf(parseTries(is)) - sumOf(parseTries(was));
    const own = this.#report?.job === was.id ? this.#report : null;
    if (is.state === "queued") demand("what is given back costs no try", more === 0 && own !== null, about);
    if (is.state === "waiting") this.#waits(was, is, more, about);
    const failure = is.state === "delayed" ? cost[0] : isTerminal(is.state) ? is.error_class : null;
    if (is.state === "delayed") demand("a repeat costs one try", more === 1 && cost.length === 1, about);
    if (failure == null || is.state === "completed") return;
    if (own?.failure != null) demand("a failure counts as what it is", failure === own.failure.class, about);
    if (failure === "timeout" && own === null) this.#hadItsTime(was, before);
    if (failure === "lost" && own === null) this.#wasLost(was, before);
    if (is.state === "delayed") this.#repeats(was, is, failure, before);
    else this.#givenUp(was, is, failure, before);
  }

  #repeats(was: LiveJob, is: LiveJob, failure: FailureClass, before: Tables): void {
    const { now, config } = this.#world;
    const count = parseTries(is)[failure] ?? 0;
    const retryAfterMs = this.#report?.failure?.retryAfterMs ?? null;
    const wait = (is.not_before ?? 0) - now;
    const [least, most] =
      failure === "rate"
        ? [restOf(retryAfterMs, config), restOf(retryAfterMs, config)]
        : [1, longestBackoff(count, config)];
    demand("a repeat waits as long as its class says", wait >= least && wait <= most, () =>
      [`job ${is.id}: ${failure}, try ${count}: ${wait}, not`, least, "to", most].join(" "),
    );
    demand("no repeat without a try left", hasTriesLeft(parseTries(is), failure), () => `job ${is.id}: ${is.tries}`);
    if (failure === "geo") {
      const another = this.#inOtherCountry(was, before).some((session) => session.state !== "lost");
      demand("a geo-block goes to another country or ends the job", another, () => `job ${is.id}: ${is.tries}`);
    }
    this.#dispatch.failed(was, failure, count, before);
    this.#rests(was, failure);
  }

  #givenUp(was: LiveJob, is: LiveJob, failure: FailureClass, before: Tables): void {
    if (FINAL.includes(failure)) return;
    this.#rests(was, failure);
    const tries: Counts = { ...parseTries(was), [failure]: (parseTries(was)[failure] ?? 0) + 1 };
    const permanent = this.#report?.failure?.permanent === true;
    const right = permanent || !hasTriesLeft(tries, failure) || (failure === "geo" && !this.#otherCountry(was, before));
    demand("no job is given up that has tries left", right, () => `job ${is.id}: ${failure}, ${JSON.stringify(tries)}`);
  }

  #rests(job: LiveJob, failure: FailureClass): void {
    if ((failure !== "bot" && failure !== "rate") || job.node_id === null) return;
    const { now, config } = this.#world;
    this.#dispatch.rests(
      job.node_id,
      job.source_host,
      now + restOf(this.#report?.failure?.retryAfterMs ?? null, config),
    );
  }

  /** Counted from the first look; the next one comes before the end of it. */
  #waits(was: LiveJob, is: LiveJob, more: number, about: () => string): void {
    const { now } = this.#world;
    const wished = (JSON.parse(was.options) as JobOptions).wait_for_video;
    demand("who waits for a stream wished so, and pays no try", wished && more === 0, about);
    const until = was.wait_until ?? now + WAIT_FOR_VIDEO_MS;
    demand("a wait has one end", is.wait_until === until && now < until, about);
    const next = is.not_before ?? 0;
    demand("a waiting job is looked at again in time", next > now && next <= until, about);
  }

  #mayTake(job: LiveJob, { accounts }: Tables): number {
    return deadlineOf(job, this.#limitsOf(job, accounts), job.live === 1, this.#world.config);
  }

  /** The time for which the edge was away is nobody's. */
  #hadItsTime(job: LiveJob, tables: Tables): void {
    const { now } = this.#world;
    const began = job.started_at ?? 0;
    const away = this.#away.reduce(
      (sum, { from, until }) => sum + Math.max(0, Math.min(until, now) - Math.max(from, began)),
      0,
    );
    const ran = now - began - away;
    const may = this.#mayTake(job, tables);
    demand("an attempt has its time", ran >= may, () => `job ${job.id} ran for ${ran} of ${may}, ${away} away`);
  }

  /** Its lease is over, a newer session has come, two heartbeats lacked it. */
  #wasLost(job: LiveJob, tables: Tables): void {
    const session = tables.sessions.find((each) => each.node_id === job.node_id);
    const isOver = session !== undefined && endOfLease(tables, session) <= this.#world.now;
    const right =
      session === undefined || isOver || job.missed > 0 || (this.#newest.get(session.node_id) ?? 0) > session.session;
    demand("a lease that runs loses nothing", right, () => `job ${job.id} at ${job.node_id}/${job.session}`);
  }

  /** Surely: a node in a country that has not refused the job is there. */
  #otherCountry(job: LiveJob, tables: Tables): boolean {
    return this.#inOtherCountry(job, tables).some(
      (session) => session.state === "running" && endOfLease(tables, session) > this.#world.now,
    );
  }

  #inOtherCountry(job: LiveJob, tables: Tables): SessionRow[] {
    const own = tables.sessions.find((session) => session.node_id === job.node_id)?.country;
    const refused = new Set([...this.#dispatch.refusedCountries(job.id), own]);
    return tables.sessions.filter(
      (session) => session.country !== null && !refused.has(session.country) && canServe(session, job, tables),
    );
  }
}
