import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** One JSON line of a process: its event and whatever fields that has. */
export interface LogEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

interface Waiter {
  event: string;
  matches: (event: LogEvent) => boolean;
  found: PromiseWithResolvers<LogEvent>;
}

/** The log of one process and of what it started, as it comes in. */
export class LogLines {
  /** Everything, also what is no JSON; printed when a test fails. */
  readonly lines: string[] = [];
  readonly events: LogEvent[] = [];
  #waiters: Waiter[] = [];
  #ended = false;

  constructor(stream: Readable) {
    const reader = createInterface({ input: stream });
    reader.on("line", (line) => this.#add(line));
    reader.on("close", () => this.#close());
  }

  /** How many lines there are by now: give it to `waitFor` to hear only of what comes later. */
  get mark(): number {
    return this.events.length;
  }

  /** The first such event after `mark`, at once if it is there; fails when the process ends without it. */
  waitFor(event: string, matches: Waiter["matches"] = () => true, mark = 0): Promise<LogEvent> {
    const there = this.events.slice(mark).find((each) => each.event === event && matches(each));
    if (there !== undefined) return Promise.resolve(there);
    const found = Promise.withResolvers<LogEvent>();
    if (this.#ended) found.reject(new Error(`the process had ended before it said ${event}`));
    else this.#waiters.push({ event, matches, found });
    return found.promise;
  }

  #add(line: string): void {
    this.lines.push(line);
    const event = parse(line);
    if (event === null) return;
    this.events.push(event);
    for (const waiter of this.#waiters) {
      if (waiter.event === event.event && waiter.matches(event)) waiter.found.resolve(event);
    }
  }

  #close(): void {
    this.#ended = true;
    for (const { event, found } of this.#waiters) found.reject(new Error(`the process ended before it said ${event}`));
    this.#waiters = [];
  }
}

function parse(line: string): LogEvent | null {
  try {
    const value = JSON.parse(line) as Partial<LogEvent> | null;
    return typeof value?.event === "string" ? (value as LogEvent) : null;
  } catch {
    return null;
  }
}
