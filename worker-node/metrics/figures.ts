/** What a node counts while it lives. Plain numbers: a restart begins at 0, as scrapers expect of counters. */
import type { FailureClass } from "../../shared/contract/failures.ts";

/** How an attempt ended as its node saw it. `delivered`: the edge has the manifest; its commit is the edge's own affair. */
export type AttemptOutcome = "delivered" | "failed" | "stopped" | "expanded" | "released" | "lost";

export interface EndCount {
  outcome: AttemptOutcome;
  /** Of a failure; else empty. */
  class: FailureClass | "";
  n: number;
}

export class NodeFigures {
  readonly #ends = new Map<string, EndCount>();
  readonly #calls = new Map<string, number>();
  #callMs = 0;
  #bytesUploaded = 0;

  attemptEnded(outcome: AttemptOutcome, failure: FailureClass | "" = ""): void {
    const key = `${outcome} ${failure}`;
    const known = this.#ends.get(key) ?? { outcome, class: failure, n: 0 };
    this.#ends.set(key, { ...known, n: known.n + 1 });
  }

  /** @param result `ok`, or the protocol's error code. */
  edgeCalled(result: string, tookMs: number): void {
    this.#calls.set(result, (this.#calls.get(result) ?? 0) + 1);
    this.#callMs += tookMs;
  }

  uploaded(bytes: number): void {
    this.#bytesUploaded += bytes;
  }

  get ends(): readonly EndCount[] {
    return [...this.#ends.values()];
  }

  get calls(): ReadonlyMap<string, number> {
    return this.#calls;
  }

  /** Milliseconds that all calls to the edge took together, failed ones included. */
  get callMs(): number {
    return this.#callMs;
  }

  get bytesUploaded(): number {
    return this.#bytesUploaded;
  }
}
