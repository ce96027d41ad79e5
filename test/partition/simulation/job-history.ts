/** What may happen to one job, held against what was seen (DESIGN section 3). One generation of storage at a time. */
import { isTerminal, type State, TRANSITIONS } from "../../../edge/partition/states.ts";
import type { Move } from "./observation.ts";
import { Violation } from "./world.ts";

export class JobHistory {
  readonly id: string;
  readonly account: string;
  readonly epoch: number;
  state: State;
  /** The token that may report now. */
  live: string | null = null;
  /** The token whose report decided the job. */
  decider: string | null = null;
  terminalEvents = 0;
  /** It had ended before it was seen: put back by a birth, for sinks that may not have heard of it. */
  readonly endedBefore: boolean;
  #attempt: number;
  #attempts: number;
  #completes = 0;
  #storageFalls = 0;

  /** A job as it stands when it is first seen: just made, or put back by a birth. */
  constructor(id: string, account: string, epoch: number, state: State, attempt: number, attempts: number) {
    this.id = id;
    this.account = account;
    this.epoch = epoch;
    this.state = state;
    this.endedBefore = isTerminal(state);
    this.#attempt = attempt;
    this.#attempts = attempts;
  }

  get hasEnded(): boolean {
    return this.endedBefore || this.terminalEvents > 0;
  }

  move(move: Move): void {
    const to = move.new;
    if (to === null) {
      this.#retire(move);
      return;
    }
    const from = this.state;
    this.#demand("transition", move.old === from, `seen ${move.old}, expected ${from}`);
    this.#demand("transition", TRANSITIONS[from][to] !== undefined, `${from} → ${to}`);
    this.#checkAttempts(move, to);
    if (from === "finishing") this.#leaveFinishing(move, to);
    const token = `${this.epoch}.${move.attempt}`;
    if (to === "offered") {
      this.#demand("a token never returns", move.attempt > this.#attempt, `${move.attempt} after ${this.#attempt}`);
      this.#demand("leased only when D1 has it", move.createEvent <= move.d1Cursor, `${move.createEvent}`);
      this.#attempt = move.attempt;
      this.live = token;
    } else if (to === "running" || to === "finishing") {
      this.#demand("one live token", this.live === token, `${token}, but ${this.live} is live`);
    } else {
      this.live = null;
    }
    this.#decide(from, to, token);
    this.state = to;
  }

  #checkAttempts(move: Move, to: State): void {
    const expected = this.#attempts + (to === "running" ? 1 : 0);
    this.#demand("attempts rise with each confirm", move.attempts === expected, `${move.attempts}`);
    this.#attempts = move.attempts;
  }

  #decide(from: State, to: State, token: string): void {
    if (to === "finishing") {
      this.#completes++;
      this.#demand("one completion", this.#completes <= 1 + this.#storageFalls, `${this.#completes} accepted`);
      this.decider = token;
    } else if (isTerminal(to) && from === "running" && to !== "cancelled") this.decider = token;
    else if (from !== "finishing" || !isTerminal(to)) this.decider = null;
  }

  #leaveFinishing(move: Move, to: State): void {
    if (to === "completed") return;
    const before = (JSON.parse(move.triesBefore) as { storage?: number }).storage ?? 0;
    const after = (JSON.parse(move.tries) as { storage?: number }).storage ?? 0;
    this.#demand("finishing ends by commit or class storage", after === before + 1, `→ ${to}, tries ${move.tries}`);
    this.#storageFalls++;
  }

  #retire(move: Move): void {
    this.#demand("only the finished retire", isTerminal(this.state), this.state);
    const passed = move.terminalEvent !== null && move.terminalEvent <= move.leastCursor;
    this.#demand("retired after all cursors", passed, `${move.terminalEvent}, cursor ${move.leastCursor}`);
  }

  event(type: string): void {
    this.#demand("nothing after the terminal event", this.terminalEvents === 0, type);
    if (/^job\.(completed|failed|warning|skipped|cancelled)$/.test(type)) this.terminalEvents++;
  }

  /** A report was held against its token. */
  claimed(token: string, kind: "holder" | "decided" | "stale" | "unknown", call: string): void {
    if (kind === "holder") this.#demand("a stale token changes nothing", token === this.live, `${call} with ${token}`);
    const over = this.state === "finishing" || isTerminal(this.state);
    const winner = over && token === this.decider;
    if (kind === "decided") this.#demand("only the winner hears the outcome", winner, `${call} with ${token}`);
    if (winner) this.#demand("the winner hears the outcome", kind === "decided", `${call} with ${token}: ${kind}`);
  }

  #demand(rule: string, kept: boolean, detail: string): void {
    if (!kept) throw new Violation(`${rule}: job ${this.id} (${this.state}): ${detail}`);
  }
}
