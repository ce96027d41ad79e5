/**
 * What a lease hands out and what it leaves (DESIGN section 4), told from the rows and from what nodes have reported: accounts
 * take turns, nothing is left that the node may have, and what must or should go to another node does.
 *
 * Two answers to "may this node have this job", because some of it is a matter of milliseconds: `may` is sure that it may,
 * `mustLeave` that it must not.
 */
import type { Core } from "../../../edge/partition/core.ts";
import { type LiveJob, parseAvoid } from "../../../edge/partition/job-row.ts";
import type { NodeIdentity, SessionRow } from "../../../edge/partition/sessions.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import { FAILURE_RULES, type FailureClass } from "../../../shared/contract/failures.ts";
import type { LeasedJob, Slots } from "../../../shared/contract/fleet.ts";
import { LEASE_REPEAT_MS, MAX_LEASE_JOBS } from "../../../shared/limits.ts";
import { deadlineOf, limitsOn } from "./expectations.ts";
import { hasTags, serves } from "./fleet-checks.ts";
import { type AccountCounters, endOfLease, type Tables } from "./state-checks.ts";
import { demand, type World } from "./world.ts";

export interface LeaseCall {
  who: NodeIdentity;
  requestId: string;
  slots: Slots;
  d1Cursor: number;
}

/** Who must not (`never`), or should not (`last`), have a job again, by its failures so far. */
interface Failed {
  never: Set<string>;
  countries: Set<string>;
  /** Of a geo-block: nodes whose country nobody knows are refused too. */
  geo: boolean;
  /** `<node>`, or `<node>/<session>` of a lost one, the last one last. Empty where the last failure says nothing of its node. */
  rather: string[];
}

/** A lease under way, as far as it has been followed. */
interface Lease extends LeaseCall {
  node: SessionRow;
  left: Slots;
  jobs: LiveJob[];
  tables: Tables;
}

export class DispatchChecks {
  readonly #world: World;
  /** By account: which of all hand-outs was its last. */
  #served = new Map<string, number>();
  #handOuts = 0;
  /** By node and host. */
  #rests = new Map<string, number>();
  /** By node: slots for downloads, free and taken, as of its last heartbeat. */
  #room = new Map<string, number>();
  #failed = new Map<string, Failed>();
  /** By node and request. */
  #answers = new Map<string, { at: number; jobs: string[] }>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Another storage: whoever was served, failed or rested before it is forgotten. */
  opened(): void {
    this.#served = new Map();
    this.#rests = new Map();
    this.#room = new Map();
    this.#failed = new Map();
    this.#answers = new Map();
  }

  // --- what nodes have said

  beat(node: string, free: Slots, { jobs }: Tables): void {
    this.#room.set(node, free.download + heldBy(jobs, node).filter((job) => job.live === 0).length);
  }

  rests(node: string, host: string, until: number): void {
    const pair = `${node} ${host}`;
    this.#rests.set(pair, Math.max(this.#rests.get(pair) ?? 0, until));
  }

  /** An attempt ended with a failure and is to be repeated. @param tries of this class, this one included. */
  failed(was: LiveJob, failure: FailureClass, tries: number, { sessions }: Tables): void {
    const node = was.node_id ?? "";
    const before = this.#failed.get(was.id) ?? { never: new Set(), countries: new Set(), geo: false, rather: [] };
    const { next } = FAILURE_RULES[failure];
    if (next === "other_only" || next === "other_country") before.never.add(node);
    if (next === "other_country") {
      before.geo = true;
      const country = sessions.find((session) => session.node_id === node)?.country;
      if (country != null) before.countries.add(country);
    }
    const prefers = next === "other_preferred" || (next === "other_from_third" && tries >= 2);
    const name = failure === "lost" ? `${node}/${was.session}` : node;
    const rather = prefers ? [...before.rather.filter((one) => one !== name), name] : [];
    // After what must not be, the others stay in mind.
    const kept = next === "other_only" || next === "other_country" ? before.rather : rather;
    this.#failed.set(was.id, { ...before, rather: kept });
  }

  // --- a lease

  /** @param before what stood when it began. */
  leased(call: LeaseCall, got: readonly LeasedJob[], before: Tables, core: Core): void {
    const node = before.sessions.find((session) => session.node_id === call.who.node);
    if (node === undefined) return;
    const known = this.#answers.get(`${call.who.node} ${call.requestId}`);
    if (known !== undefined) {
      const isFresh = known.at + LEASE_REPEAT_MS >= this.#world.now;
      if (isFresh) checkRepeat(call, got, known.jobs, before);
      // Later it may have been forgotten, and is answered anew then.
      const isOffered = (job: string) => before.jobs.find(({ id }) => id === job)?.state === "offered";
      if (isFresh || got.every(({ job }) => isOffered(job))) return;
    }
    this.#answers.set(`${call.who.node} ${call.requestId}`, { at: this.#world.now, jobs: got.map(({ job }) => job) });
    const lease: Lease = { ...call, node, left: { ...call.slots }, jobs: [...before.jobs], tables: { ...before } };
    for (const leased of got) {
      const job = lease.jobs.find((each) => each.id === leased.job);
      if (job === undefined) continue;
      this.#checkNext(lease, job);
      this.#checkTold(leased, core);
      this.#follow(lease, job);
    }
    if (got.length >= MAX_LEASE_JOBS) return;
    const left = lease.jobs.find((job) => this.#may(lease, job));
    demand("a lease leaves nothing that the node may have", left === undefined, () =>
      [`${left?.id} of ${left?.account_id}, at ${node.node_id} with`, JSON.stringify(lease.left), "left"].join(" "),
    );
  }

  /** One more job of the lease, and what it could have been instead. */
  #checkNext(lease: Lease, job: LiveJob): void {
    const about = (other: LiveJob) => `job ${job.id} of ${job.account_id} before ${other.id} of ${other.account_id}`;
    const served = (account: string) => this.#served.get(account) ?? -1;
    for (const other of lease.jobs) {
      if (other.id === job.id || !this.#may(lease, other)) continue;
      if (other.account_id === job.account_id)
        demand("by priority, then age, whatever a job needs", inOrder(job, other) <= 0, () => about(other));
      else
        demand("accounts take turns", served(job.account_id) <= served(other.account_id), () =>
          [about(other), "served", served(job.account_id), served(other.account_id)].join(" "),
        );
    }
    this.#checkNode(lease, job);
  }

  #checkNode(lease: Lease, job: LiveJob): void {
    const { node } = lease;
    const about = () => `job ${job.id} at ${node.node_id}/${node.session}`;
    const failed = this.#failed.get(job.id);
    const others = this.#surelyAble(lease, job);
    if (failed !== undefined) {
      demand("who must not have a job again has it not", !isRefused(failed, node), about);
      const able = others.filter((other) => !isRefused(failed, other));
      const better = able.some((other) => !isNamed(failed.rather, other));
      demand("after a failure another node comes first", !isNamed(failed.rather, node) || !better, about);
      const isLast = isNamed(failed.rather.slice(-1), node);
      demand("who failed last comes last", !isLast || able.length === 0, about);
    }
    demand("a node rests from a host", !this.#isResting(node, job) || others.length === 0, about);
    demand("an account's own nodes come first", !this.#mustLeave(lease, job), about);
  }

  #checkTold(leased: LeasedJob, { sql, epoch }: Core): void {
    const { now, config } = this.#world;
    const row = sql.get<LiveJob>("SELECT * FROM jobs WHERE id = ?", leased.job);
    if (row === undefined) return;
    const known = sql.get<{ limits: string }>("SELECT limits FROM accounts WHERE id = ?", row.account_id);
    const limits = known?.limits ?? "{}";
    const { max_duration_seconds: seconds, max_filesize_bytes: bytes } = limitsOn(row, limits);
    const slot = row.live === 1 ? "live" : "download";
    const told = [leased.token, leased.confirm_within_ms, leased.slot, leased.deadline_ms]
      .concat([leased.max_duration_seconds, leased.max_filesize_bytes].map(String))
      .join();
    const right = [`${epoch}.${row.attempt}`, config.offerTtlMs, slot, deadlineOf(row, limits, row.live === 1, config)]
      .concat([seconds ?? null, bytes ?? null].map(String))
      .join();
    demand("a hand-out says what it is", told === right, () => `${leased.job}: ${told}, not ${right}`);
    demand("an offer lasts as long as one", row.offer_until === now + config.offerTtlMs, () => leased.job);
  }

  /** The lease goes on without this job. */
  #follow(lease: Lease, job: LiveJob): void {
    this.#served.set(job.account_id, ++this.#handOuts);
    lease.left[job.live === 1 ? "live" : "download"]--;
    const held = { ...job, state: "offered" as const, node_id: lease.node.node_id, session: lease.node.session };
    lease.jobs = lease.jobs.map((each) => (each.id === job.id ? held : each));
    const more = <Counted extends { id: string; active: number }>(rows: Counted[], id: string | null) =>
      rows.map((row) => (row.id === id ? { ...row, active: row.active + 1 } : row));
    lease.tables.accounts = more<AccountCounters>(lease.tables.accounts, job.account_id);
    lease.tables.keys = more(lease.tables.keys, job.key_id);
  }

  // --- who may have what

  /** Surely: nothing stands against it, and nobody else comes first. */
  #may(lease: Lease, job: LiveJob): boolean {
    const { node, tables, jobs, left, d1Cursor } = lease;
    const { now, config } = this.#world;
    if (job.state !== "queued" || job.create_event > d1Cursor || !canServe(node, job, tables)) return false;
    if (left[job.live === 1 ? "live" : "download"] === 0) return false;
    const account = tables.accounts.find((each) => each.id === job.account_id);
    const key = tables.keys.find((each) => each.id === job.key_id);
    const most = (JSON.parse(account?.limits ?? "{}") as { max_concurrent?: number }).max_concurrent;
    if (account?.paused === 1 || (account?.active ?? 0) >= (most ?? Number.POSITIVE_INFINITY)) return false;
    if ((key?.active ?? 0) >= (key?.max_concurrent ?? Number.POSITIVE_INFINITY)) return false;
    const beside = heldBy(jobs, node.node_id).filter((each) => each.live === 0 && each.source_host === job.source_host);
    if (job.live === 0 && beside.length >= config.maxPerHost) return false;
    const others = tables.sessions.filter(
      (other) => other.node_id !== node.node_id && other.state !== "lost" && canServe(other, job, tables),
    );
    const avoid = parseAvoid(job);
    if (avoid !== null && (avoid.mode === "only" || others.length > 0)) return false;
    if (this.#isResting(node, job) && others.length > 0) return false;
    const own = others.some((other) => other.account_id !== null);
    return (
      node.account_id !== null || account?.pool !== "own_first" || !own || now - job.queued_at >= config.offerTtlMs
    );
  }

  /** Surely: fresh work of an account whose own node has room for it. */
  #mustLeave(lease: Lease, job: LiveJob): boolean {
    const { now, config } = this.#world;
    const account = lease.tables.accounts.find((each) => each.id === job.account_id);
    if (lease.node.account_id !== null || account?.pool !== "own_first") return false;
    if (now - job.queued_at >= config.offerTtlMs) return false;
    return this.#surelyAble(lease, job).some((other) => {
      const taken = heldBy(lease.jobs, other.node_id).filter((each) => each.live === 0).length;
      return other.account_id !== null && (this.#room.get(other.node_id) ?? 0) > taken;
    });
  }

  /** Other nodes that are there beyond doubt, and could have it. */
  #surelyAble({ node, tables }: Lease, job: LiveJob): SessionRow[] {
    return tables.sessions.filter(
      (other) =>
        other.node_id !== node.node_id &&
        other.state === "running" &&
        endOfLease(tables, other) > this.#world.now &&
        canServe(other, job, tables),
    );
  }

  #isResting({ node_id }: SessionRow, { source_host }: LiveJob): boolean {
    return (this.#rests.get(`${node_id} ${source_host}`) ?? 0) > this.#world.now;
  }

  /** Countries that have refused the job. */
  refusedCountries(job: string): ReadonlySet<string> {
    return this.#failed.get(job)?.countries ?? new Set();
  }

  /** What has ended is not asked for again. */
  forget(jobs: readonly LiveJob[]): void {
    for (const job of jobs) if (isTerminal(job.state)) this.#failed.delete(job.id);
  }
}

function checkRepeat({ who }: LeaseCall, got: readonly LeasedJob[], first: readonly string[], before: Tables): void {
  const still = before.jobs.filter(
    (job) =>
      first.includes(job.id) && job.state === "offered" && job.node_id === who.node && job.session === who.session,
  );
  const [told, right] = [
    got
      .map(({ job }) => job)
      .sort()
      .join(),
    still
      .map(({ id }) => id)
      .sort()
      .join(),
  ];
  demand("a repeated request gets the same jobs", told === right, () => `${who.node}: ${told}, not ${right}`);
}

function heldBy(jobs: readonly LiveJob[], node: string): LiveJob[] {
  return jobs.filter((job) => job.node_id === node && (job.state === "offered" || job.state === "running"));
}

/** It serves the account and has the tags. */
export function canServe(session: SessionRow, job: LiveJob, { accounts }: Tables): boolean {
  const account = accounts.find((each) => each.id === job.account_id);
  return account !== undefined && serves(session, account) && hasTags(session, job);
}

function isNamed(names: readonly string[], { node_id, session }: SessionRow): boolean {
  return names.includes(node_id) || names.includes(`${node_id}/${session}`);
}

function isRefused({ never, geo, countries }: Failed, { node_id, country }: SessionRow): boolean {
  return never.has(node_id) || (geo && (country === null || countries.has(country)));
}

/** Negative: `a` comes before `b`. */
function inOrder(a: LiveJob, b: LiveJob): number {
  return b.priority - a.priority || a.queued_at - b.queued_at || (a.id < b.id ? -1 : 1);
}
