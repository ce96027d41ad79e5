/**
 * Figures of the whole partition, in memory: how many jobs are in which state, and what they want. Each create holds one of
 * them against `TRAWL_MAX_PARTITION_READY`, scrapes read all, and a sum over a thousand accounts was two fifths of what a create
 * took. They are read from counters and small indexes once, and follow each move from then on (decision 119).
 */
import { leasesRunAt } from "./absence.ts";
import type { Sql } from "./sql.ts";
import { HOLDS_NODE, type State } from "./states.ts";

/** Live jobs by what they wait for. `delayed` includes those that wait for their stream to begin. */
export interface LiveCounts {
  held: number;
  queued: number;
  offered: number;
  delayed: number;
  running: number;
  finishing: number;
  parent: number;
}

export interface StepCounts {
  downloading: number;
  muxing: number;
  uploading: number;
}

interface Known {
  live: LiveCounts;
  /** Running jobs. */
  steps: StepCounts;
  completed: number;
  bytesUploaded: number;
  /**
   * Ready and running jobs of each account, as far as its `max_concurrent` lets them run at once, added up. Of one that is
   * paused those that run.
   */
  wanted: number;
  /** Ready jobs of paused accounts. */
  resting: number;
}

/** Of an account, after a move. */
export interface AccountLoad {
  ready: number;
  active: number;
  max_concurrent: number | null;
  /** 1: nothing of it is handed out. */
  paused: number;
}

export class Figures {
  readonly #sql: Sql;
  #known: Known | null = null;
  #nodes: number | null = null;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Jobs that are ready. */
  get ready(): number {
    return this.#all.live.queued;
  }

  /** Jobs that are ready, of accounts that are not paused. */
  get startable(): number {
    return this.#all.live.queued - this.#all.resting;
  }

  get live(): LiveCounts {
    return { ...this.#all.live };
  }

  /** Running and finishing jobs of all accounts by step; extraction counts as downloading. */
  get steps(): StepCounts {
    const { steps, live } = this.#all;
    return { ...steps, uploading: steps.uploading + live.finishing };
  }

  get ended(): Pick<Known, "completed" | "bytesUploaded"> {
    return this.#all;
  }

  get wanted(): number {
    return this.#all.wanted;
  }

  /** Sessions whose lease runs, as of the last one that came or ended. */
  nodes(now: number): number {
    this.#nodes ??= countRows(
      this.#sql,
      "sessions WHERE state <> 'lost' AND lease_until >= ?",
      leasesRunAt(this.#sql, now),
    );
    return this.#nodes;
  }

  /**
   * So many jobs of one account appeared (`from` null) or changed their state.
   *
   * @param load of the account now; not needed where {@link changesLoad} says no.
   */
  moved(from: State | null, to: State, times: number, load: AccountLoad | undefined): void {
    const known = this.#known;
    if (known === null) return;
    const before = from === null ? null : liveKey(from);
    const after = liveKey(to);
    if (before !== null) known.live[before] -= times;
    if (after !== null) known.live[after] += times;
    if (to === "completed") known.completed += times;
    if (load === undefined) return;
    const ready = load.ready - (Number(to === "queued") - Number(from === "queued")) * times;
    const active = load.active - (holds(to) - holds(from)) * times;
    const former = { ...load, ready, active };
    known.wanted += wantedBy(load) - wantedBy(former);
    known.resting += restingOf(load) - restingOf(former);
  }

  /** A running job took this step; null: none any more, or none before. */
  stepped(from: string | null, to: string | null): void {
    const known = this.#known;
    if (known === null) return;
    if (from !== null) known.steps[stepKey(from)]--;
    if (to !== null) known.steps[stepKey(to)]++;
  }

  stored(bytes: number): void {
    if (this.#known !== null) this.#known.bytesUploaded += bytes;
  }

  sessionsChanged(): void {
    this.#nodes = null;
  }

  /** What they are made of changed otherwise: they are read anew when they are asked for. */
  forget(): void {
    this.#known = null;
    this.#nodes = null;
  }

  get #all(): Known {
    this.#known ??= readFigures(this.#sql);
    return this.#known;
  }
}

function liveKey(state: State): keyof LiveCounts | null {
  switch (state) {
    case "waiting":
      return "delayed";
    case "held":
    case "queued":
    case "offered":
    case "delayed":
    case "running":
    case "finishing":
    case "parent":
      return state;
    default:
      return null;
  }
}

function stepKey(step: string): keyof StepCounts {
  return step === "upload" ? "uploading" : step === "mux" ? "muxing" : "downloading";
}

/**
 * Whether an account has more or fewer jobs after such a move that are ready or held by a node, or one that came back to
 * the queue. Hand-outs do not: those are most of all moves.
 */
export function changesLoad(from: State | null, to: State): boolean {
  return loads(to) !== loads(from) || (to === "queued" && holds(from) === 1);
}

/** 1: the job is ready or held by a node. */
function loads(state: State | null): number {
  return Number(state === "queued") + holds(state);
}

function holds(state: State | null): number {
  return Number(state !== null && HOLDS_NODE.includes(state));
}

function wantedBy({ ready, active, max_concurrent, paused }: AccountLoad): number {
  return paused === 1 ? active : Math.min(ready + active, max_concurrent ?? ready + active);
}

function restingOf({ ready, paused }: AccountLoad): number {
  return paused === 1 ? ready : 0;
}

function countRows(sql: Sql, from: string, ...params: number[]): number {
  return sql.get<{ n: number }>(`SELECT count(*) AS n FROM ${from}`, ...params)?.n ?? 0;
}

type Sum = "pending" | "processing" | "ready" | "resting" | "completed" | "bytes" | "wanted";

/** Uses the partial indexes of due work; `held` and `parent` have none and are what the counters leave over. */
function readFigures(sql: Sql): Known {
  const sums = sql.get<Record<Sum, number | null>>(
    `SELECT sum(pending) AS pending, sum(processing) AS processing, sum(ready) AS ready, sum(completed) AS completed,
       sum(bytes_used) AS bytes, sum(ready * paused) AS resting,
       sum(CASE paused WHEN 1 THEN active ELSE min(ready + active, coalesce(max_concurrent, ready + active)) END) AS wanted
     FROM accounts`,
  );
  const queued = sums?.ready ?? 0;
  const offered = countRows(sql, "jobs WHERE state = 'offered'");
  const delayed = countRows(sql, "jobs WHERE state IN ('delayed', 'waiting')");
  const finishing = countRows(sql, "jobs WHERE state = 'finishing'");
  const steps: StepCounts = { downloading: 0, muxing: 0, uploading: 0 };
  for (const { step, n } of sql.all<{ step: string | null; n: number }>(
    "SELECT step, count(*) AS n FROM jobs WHERE state = 'running' GROUP BY step",
  )) {
    steps[stepKey(step ?? "extract")] += n;
  }
  const running = steps.downloading + steps.muxing + steps.uploading;
  return {
    live: {
      held: Math.max(0, (sums?.pending ?? 0) - queued - offered - delayed),
      queued,
      offered,
      delayed,
      running,
      finishing,
      parent: Math.max(0, (sums?.processing ?? 0) - running - finishing),
    },
    steps,
    completed: sums?.completed ?? 0,
    bytesUploaded: sums?.bytes ?? 0,
    wanted: sums?.wanted ?? 0,
    resting: sums?.resting ?? 0,
  };
}
