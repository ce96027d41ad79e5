/** Pauses of accounts: what was acknowledged holds, whatever storage is lost; what was not may have come to pass or not. */
import { Violation } from "./world.ts";

export class Pauses {
  /** By account: the last state that was acknowledged, and those asked for since, in their order. */
  readonly #states = new Map<string, { paused: boolean; event: number | null }[]>();

  #of(account: string): { paused: boolean; event: number | null }[] {
    const states = this.#states.get(account) ?? [{ paused: false, event: null }];
    this.#states.set(account, states);
    return states;
  }

  asked(account: string, paused: boolean, event: number): void {
    this.#of(account).push({ paused, event });
  }

  /** The edge has said so. Whatever was asked for before is over. */
  acknowledged(account: string, event: number): void {
    const states = this.#of(account);
    const at = states.findIndex((state) => state.event === event);
    if (at > 0) states.splice(0, at);
  }

  /** After a start. */
  opened(accounts: readonly { id: string; paused: number }[]): void {
    for (const { id, paused } of accounts) {
      const now = paused === 1;
      if (!this.#of(id).some((state) => state.paused === now))
        throw new Violation(`a pause is kept: ${id}, paused=${now}`);
      this.#states.set(id, [{ paused: now, event: null }]);
    }
  }
}
