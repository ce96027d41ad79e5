/** Politeness: how many connections this node has to one host at once. */
import { orAbort } from "../fleet/backoff.ts";
import { MAX_CONNECTIONS_PER_HOST } from "./limits.ts";

interface Host {
  held: number;
  waiting: (() => void)[];
}

/** First come, first served, for each host by itself. One per node. */
export class HostSlots {
  readonly #most: number;
  readonly #hosts = new Map<string, Host>();

  constructor(most: number = MAX_CONNECTIONS_PER_HOST) {
    this.#most = most;
  }

  /**
   * Waits for a slot; the answer gives it back.
   *
   * @throws the signal's reason when it is aborted first.
   */
  async take(name: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const host = this.#hosts.get(name) ?? { held: 0, waiting: [] };
    this.#hosts.set(name, host);
    if (host.held < this.#most) host.held++;
    else await this.#wait(name, host, signal);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#giveBack(name, host);
    };
  }

  async #wait(name: string, host: Host, signal: AbortSignal): Promise<void> {
    const turn = Promise.withResolvers<void>();
    host.waiting.push(turn.resolve);
    try {
      await orAbort(turn.promise, signal);
    } catch (error) {
      const at = host.waiting.indexOf(turn.resolve);
      // Not in the line any more: the slot was handed over in the very moment of the abort.
      if (at < 0) this.#giveBack(name, host);
      else host.waiting.splice(at, 1);
      throw error;
    }
  }

  #giveBack(name: string, host: Host): void {
    const next = host.waiting.shift();
    if (next !== undefined) next();
    else if (--host.held === 0) this.#hosts.delete(name);
  }
}
