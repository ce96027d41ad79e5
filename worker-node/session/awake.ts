/**
 * Time that this process was really there. A laptop sleeps, a container is paused, a process is stopped: timers that fire
 * after that have waited for something that nobody could do, and must not be taken for the node's own slowness.
 */

/** How often the clock looks at itself … */
const TICK_MS = 1_000;
/** … and how much later than that it may be and still count as there: a busy machine is late, too. */
const MAX_LATE_MS = 5_000;
/** A longer timer would fire at once: setTimeout counts in 32 bits. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class AwakeClock {
  readonly #now: () => number;
  readonly #timer: NodeJS.Timeout;
  #seen: number;
  #awake = 0;

  /** @param now monotonic milliseconds. Defaults to those of the process. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#seen = now();
    this.#timer = setInterval(() => this.ms(), TICK_MS).unref();
  }

  /** Milliseconds that this process has been awake since the clock began. */
  ms(): number {
    const now = this.#now();
    this.#awake += Math.min(now - this.#seen, TICK_MS + MAX_LATE_MS);
    this.#seen = now;
    return this.#awake;
  }

  /** Calls once so much time has been spent awake. Answers how to call it off. */
  after(ms: number, run: () => void): () => void {
    const due = this.ms() + ms;
    let timer: NodeJS.Timeout;
    const arm = (): void => {
      timer = setTimeout(
        () => {
          if (this.ms() >= due) run();
          else arm();
        },
        Math.max(1, Math.min(due - this.ms(), MAX_TIMER_MS)),
      );
    };
    arm();
    return () => clearTimeout(timer);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
