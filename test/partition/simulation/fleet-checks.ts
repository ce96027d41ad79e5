/** What nodes may rely on, and jobs of them: who is handed what and in which order, who is told to stop, whose lease holds. */
import type { Core } from "../../../edge/partition/core.ts";
import { type LiveJob, parseAvoid, parseTries } from "../../../edge/partition/job-row.ts";
import type { NodeIdentity, SessionRow } from "../../../edge/partition/sessions.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import type { Effects } from "../../../edge/partition/turn.ts";
import { FAILURE_RULES, type FailureClass } from "../../../shared/contract/failures.ts";
import { type Held, type LeasedJob, STEPS } from "../../../shared/contract/fleet.ts";
import type { JobOptions } from "../../../shared/contract/options.ts";
import { MAX_TRIES_TOTAL } from "../../../shared/limits.ts";
import type { Move, SeenEvent } from "./observation.ts";
import type { AccountCounters, Tables } from "./state-checks.ts";
import { demand, Violation, type World } from "./world.ts";

/** Two heartbeats in a row may lack a running attempt; the second ends it. */
const MAX_LACKED = 2;

/** What a heartbeat says, as the edge takes it. */
interface Beat {
  holding: readonly Held[];
  state: "running" | "quiet";
}

export class FleetChecks {
  readonly #world: World;
  /** The job whose attempt is reporting in this transaction: it needs not be told of its own end. */
  #reporting: string | null = null;
  /** By node, the newest session that this storage has let in. */
  #newest = new Map<string, number>();
  /** By job and token: heartbeats in a row, of the session that runs it, that lacked it. */
  #lacked = new Map<string, number>();

  /** By node, over the loss of a storage: D1 tells the next one. */
  readonly #orders = new Map<string, { standing: number; drained: boolean }>();

  constructor(world: World) {
    this.#world = world;
  }

  /** Another storage: it knows nothing of sessions before it. */
  opened(): void {
    this.#newest = new Map();
    this.#lacked = new Map();
    this.#reporting = null;
  }

  /** The partition has heard what D1 says of a node; the newest word counts. */
  ordered(node: string, standing: number, drained: boolean): void {
    if ((this.#orders.get(node)?.standing ?? 0) < standing) this.#orders.set(node, { standing, drained });
  }

  claimed(job: string): void {
    this.#reporting = job;
  }

  entered(who: NodeIdentity, isIn: boolean): void {
    const newest = this.#newest.get(who.node) ?? 0;
    demand("an older session is fenced", !isIn || who.session >= newest, () => `${who.node}/${who.session}`);
    demand("the newest session is let in", isIn || who.session < newest, () => `${who.node}/${who.session}`);
    if (isIn) this.#newest.set(who.node, who.session);
  }

  /** @param effects null where the transaction asks for nothing outside. */
  moved(moves: readonly Move[], before: Tables, after: Tables, effects: Effects | null, core: Core): void {
    const old = new Map(before.jobs.map((job) => [job.id, job]));
    const now = new Map(after.jobs.map((job) => [job.id, job]));
    for (const move of moves) {
      const [was, is] = [old.get(move.job), now.get(move.job)];
      if (was !== undefined && move.old !== null && move.new !== null) this.#left(move, was, effects, core);
      if (is === undefined) continue;
      if (move.new === "offered" && is.state === "offered") this.#handedOut(is, after);
      if (!isTerminal(is.state)) checkTries(is);
      if (move.new === "cancelled" && move.old === "parent") checkMembersEnded(is, after);
    }
    for (const job of after.jobs) checkStep(old.get(job.id), job);
    for (const session of after.sessions) {
      const works = session.state === "running" && isResting(session, after.orders);
      demand("a node that is told to rest counts as quiet", !works, () => session.node_id);
      const freed = isResting(session, before.orders) && !isResting(session, after.orders);
      demand("a node that may work again is rung", !freed || effects?.ring === true, () => session.node_id);
    }
    this.#reporting = null;
  }

  /** The courier hears of each step of a job that wants progress webhooks, and of no other. */
  stages(before: Tables, after: Tables, events: readonly SeenEvent[]): void {
    const told = new Set(events.filter((event) => event.type === ".job.stage").map((event) => event.job));
    const steps = new Map(before.jobs.map((job) => [job.id, job.step]));
    for (const job of after.jobs) {
      if (job.state !== "running" || steps.get(job.id) == null || steps.get(job.id) === job.step) continue;
      const { enable_progress_webhook: wants } = JSON.parse(job.options) as JobOptions;
      const right = told.has(job.id) === (wants && job.webhook_url !== null);
      demand("stages are told to who wants them", right, () => `job ${job.id}: ${job.step}`);
    }
  }

  /** What becomes of a hand-out, and of a wait. */
  #left(move: Move, was: LiveJob, effects: Effects | null, core: Core): void {
    const about = () => `job ${move.job}: ${move.old} → ${move.new}`;
    if (move.new === "queued") demand("what is ready again rings", effects?.ring === true, about);
    if (move.old === "offered") demand("an offer costs no try", move.tries === move.triesBefore, about);
    if (move.new === "queued" && (move.old === "delayed" || move.old === "waiting")) {
      demand("a wait is waited out", (was.not_before ?? 0) <= this.#world.now, about);
    }
    const taken = move.old === "running" && move.new !== "finishing" && this.#reporting !== move.job;
    if (!taken && !(move.old === "offered" && move.new === "cancelled")) return;
    const token = `${core.epoch}.${was.attempt}`;
    const told = effects?.kills.some(
      (kill) => kill.job === move.job && kill.node === was.node_id && kill.token === token,
    );
    demand("whoever loses an attempt is told", told === true, about);
  }

  #handedOut(job: LiveJob, after: Tables): void {
    const { sessions, accounts } = after;
    const session = sessions.find((each) => each.node_id === job.node_id);
    const account = accounts.find((each) => each.id === job.account_id);
    if (session === undefined || account === undefined) throw new Violation(`a hand-out has its node: ${job.id}`);
    const about = () => `job ${job.id} at ${session.node_id}`;
    demand("a node has the job's tags", hasTags(session, job), about);
    demand("a node serves the account", serves(session, account), about);
    const { max_concurrent = Number.POSITIVE_INFINITY } = JSON.parse(account.limits) as { max_concurrent?: number };
    demand("an account runs no more than it may", account.active <= max_concurrent, () => `${account.id}: ${about()}`);
    const isDrained = this.#orders.get(session.node_id)?.drained === true;
    demand("a node that is told to rest gets no work", !isDrained && !isResting(session, after.orders), about);
    const avoid = parseAvoid(job);
    const refused = avoid?.mode === "only" && avoid.nodes.includes(session.node_id);
    demand("a node that must not have a job has it not", !refused, about);
  }

  /** A lease hands out what is offered to this very session. */
  leased(who: NodeIdentity, leased: readonly LeasedJob[], core: Core): void {
    for (const { job } of leased) {
      const own = core.sql.get(
        "SELECT 1 AS x FROM jobs WHERE id = ? AND state = 'offered' AND node_id = ? AND session = ?",
        job,
        who.node,
        who.session,
      );
      demand("a lease names the node's own jobs", own !== undefined, () => `${job} to ${who.node}/${who.session}`);
    }
  }

  /**
   * A heartbeat that was taken renews the whole lease, and ends what it lacks with the second time.
   *
   * @param before what the session ran when it came.
   * @param kill what its answer names.
   */
  beat(who: NodeIdentity, { holding, state }: Beat, before: readonly Held[], core: Core, kill: readonly Held[]): void {
    const { now, config } = this.#world;
    const row = core.sql.get<{ until: number; state: string }>(
      "SELECT lease_until AS until, state FROM sessions WHERE node_id = ?",
      who.node,
    );
    demand("a heartbeat renews the lease", (row?.until ?? 0) >= now + config.leaseTtlMs, () => who.node);
    demand("a node is known as what it says", row?.state === state, () => `${who.node}: ${row?.state}, not ${state}`);
    this.#checkKills(who, holding, core, kill);
    const listed = new Set(holding.map(({ job, token }) => `${job} ${token}`));
    const kept = new Set(runningOf(core, who).map(({ job, token }) => `${job} ${token}`));
    for (const { job, token } of before) {
      const name = `${job} ${token}`;
      const lacked = listed.has(name) ? 0 : (this.#lacked.get(name) ?? 0) + 1;
      if (lacked === 0) this.#lacked.delete(name);
      else this.#lacked.set(name, lacked);
      const right = kept.has(name) === lacked < MAX_LACKED;
      demand("what two heartbeats lack goes back", right, () => `${name} at ${who.node}, lacked ${lacked} times`);
    }
  }

  /** Whoever holds what is not its own ends it, but for a report whose answer it still waits for. */
  #checkKills(who: NodeIdentity, holding: readonly Held[], { sql, epoch }: Core, kill: readonly Held[]): void {
    const told = new Set(kill.map(({ job, token }) => `${job} ${token}`));
    for (const { job, token } of holding) {
      const row = sql.get<LiveJob>("SELECT * FROM jobs WHERE id = ?", job);
      const winner = sql.get<{ winner: string }>("SELECT winner FROM outcomes WHERE job_id = ?", job)?.winner;
      const live =
        (row?.state === "offered" || row?.state === "running") &&
        row.node_id === who.node &&
        row.session === who.session &&
        token === `${epoch}.${row.attempt}`;
      const isOver = row === undefined || row.state === "finishing" || isTerminal(row.state);
      const decided = isOver && token === (row === undefined ? winner : row.winner);
      const right = told.has(`${job} ${token}`) === !(live || decided);
      demand("a heartbeat hears what to kill", right, () => `${job} ${token} at ${who.node}: ${row?.state}`);
    }
  }
}

/** Drained, or in quarantine. */
function isResting({ node_id }: SessionRow, orders: Tables["orders"]): boolean {
  return orders.some((order) => order.node_id === node_id && (order.drained === 1 || order.quarantine !== null));
}

/** The session has what the job requires. */
export function hasTags(session: SessionRow, job: LiveJob): boolean {
  const tags = JSON.parse(session.tags) as string[];
  return (JSON.parse(job.tags) as string[]).every((tag) => tags.includes(tag));
}

/** Whose jobs a node may run at all. */
export function serves(session: SessionRow, account: Pick<AccountCounters, "id" | "pool">): boolean {
  return session.account_id === null ? account.pool !== "own" : session.account_id === account.id;
}

/** What a session runs, by its token. */
export function runningOf({ sql, epoch }: Core, who: NodeIdentity): Held[] {
  return sql
    .all<{ id: string; attempt: number }>(
      "SELECT id, attempt FROM jobs WHERE state = 'running' AND node_id = ? AND session = ?",
      who.node,
      who.session,
    )
    .map(({ id, attempt }) => ({ job: id, token: `${epoch}.${attempt}` }));
}

function checkTries(job: LiveJob): void {
  const tries = Object.entries(parseTries(job)) as [FailureClass, number][];
  const within = tries.every(([name, count]) => count < FAILURE_RULES[name].tries);
  const own = tries.filter(([name]) => name !== "node_fault").reduce((sum, [, count]) => sum + count, 0);
  demand("no more tries than the table has", within && own < MAX_TRIES_TOTAL, () => `job ${job.id}: ${job.tries}`);
}

function checkStep(was: LiveJob | undefined, is: LiveJob): void {
  if (was?.state !== "running" || is.state !== "running" || was.attempt !== is.attempt) return;
  const index = (job: LiveJob) => STEPS.indexOf(job.step ?? "extract");
  demand("steps go forward", index(is) >= index(was), () => `job ${is.id}: ${was.step} → ${is.step}`);
}

/** Those that are being committed go on. */
function checkMembersEnded(parent: LiveJob, { jobs }: Tables): void {
  const open = jobs.find(
    (job) =>
      job.batch_id === parent.batch_id && job.role !== "parent" && !isTerminal(job.state) && job.state !== "finishing",
  );
  demand("a cancelled list takes its jobs along", open === undefined, () => `${parent.id}: ${open?.id} goes on`);
}
