/**
 * The bell: who is rung when there is work. A ring is only a hint, and every node that hears one asks for a lease. With two
 * thousand nodes connected, ringing all of them for each new job would be two thousand leases for one: those with room
 * are rung some at a time, in turn, for as long as work is left (decision 111).
 */
import { leasesRunAt, ONLINE } from "./absence.ts";
import type { Sql } from "./sql.ts";

/** Rung at once: as many as there are ready jobs, but not fewer than this, because some cannot serve what waits … */
const WINDOW_MIN = 8;
/** … and not more than this. */
const WINDOW_MAX = 64;
/** Between two windows: time for the first to take what there is. */
const WINDOW_PAUSE_MS = 100;

export interface BellDeps {
  /** Jobs that are ready, and may be handed out. */
  ready(): number;
  /** False: the node has no socket here. */
  send(node: string): boolean;
  later(work: () => void, ms: number): void;
}

export class Bell {
  readonly #deps: BellDeps;
  /** Nodes that may have room, the one rung longest ago first. In memory: a loss costs nothing but a few rings in vain. */
  readonly #roomy: Set<string>;
  /** Rings that the current round still owes. */
  #owed = 0;
  #pausing = false;

  constructor(deps: BellDeps, nodes: readonly string[]) {
    this.#deps = deps;
    this.#roomy = new Set(nodes);
  }

  /** Nodes that take work, as their sessions say: after a start all of them may have room. */
  static nodesOf(sql: Sql, now: number): string[] {
    return sql
      .all<{ id: string }>(`SELECT node_id AS id FROM sessions WHERE ${ONLINE}`, leasesRunAt(sql, now))
      .map(({ id }) => id);
  }

  /** What a node's heartbeat or the answer to its lease tells of its slots. */
  note(node: string, hasRoom: boolean): void {
    if (hasRoom) this.#roomy.add(node);
    else this.#roomy.delete(node);
  }

  /** A node has just connected: it alone hears whether there is work. */
  welcome(node: string): void {
    this.note(node, true);
    if (this.#deps.ready() > 0) this.#deps.send(node);
  }

  /** A node's lease has looked at a part of the accounts: it is to look at the next ones, after others had their turn. */
  again(node: string): void {
    this.#deps.later(() => void this.#deps.send(node), WINDOW_PAUSE_MS);
  }

  /** There is work that was not there before: everyone with room hears of it, unless it is gone before their turn. */
  ring(): void {
    this.#owed = this.#roomy.size;
    if (!this.#pausing) this.#window();
  }

  #window(): void {
    const ready = this.#deps.ready();
    if (ready === 0) this.#owed = 0;
    const count = Math.min(this.#owed, Math.max(WINDOW_MIN, Math.min(ready, WINDOW_MAX)));
    this.#owed -= count;
    for (const node of [...this.#roomy].slice(0, count)) {
      this.#roomy.delete(node);
      // Without a socket it polls, and is back here with its next call.
      if (this.#deps.send(node)) this.#roomy.add(node);
    }
    if (this.#owed === 0) return;
    this.#pausing = true;
    this.#deps.later(() => {
      this.#pausing = false;
      this.#window();
    }, WINDOW_PAUSE_MS);
  }
}
