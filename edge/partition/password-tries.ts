/**
 * Wrong passwords of an account's user, of the last minute (library API 1.2). In memory, as the rate buckets are, and in
 * the partition, because all Workers ask this one: counters of their own would allow each of them as many.
 */

const WINDOW_MS = 60_000;
const MAX_WRONG = 30;
const MAX_ACCOUNTS = 100_000;

export class PasswordTries {
  /** When each try was made, oldest first. */
  readonly #tries = new Map<string, number[]>();

  /**
   * Counts a try before the password is looked at, so that many at once are not more than their number allows. Returns how
   * many seconds to wait; 0: go on.
   */
  begin(account: string, now: number): number {
    const recent = (this.#tries.get(account) ?? []).filter((at) => at > now - WINDOW_MS);
    const [oldest] = recent;
    if (oldest !== undefined && recent.length >= MAX_WRONG) {
      return Math.max(1, Math.ceil((oldest + WINDOW_MS - now) / 1000));
    }
    if (this.#tries.size >= MAX_ACCOUNTS) this.#tries.clear();
    this.#tries.set(account, [...recent, now]);
    return 0;
  }

  /** The password of a try was right: it was none of those that count. */
  takeBack(account: string): void {
    this.#tries.get(account)?.pop();
  }
}
