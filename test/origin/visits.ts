/** More keys than any test run uses; a site that runs for weeks must not grow for ever. */
const MAX_KEYS = 100_000;

/** Counts how often each key was seen. Keys keep tests that run side by side out of each other's way. */
export class Visits {
  readonly #seen = new Map<string, number>();

  /** Counts one more visit and answers with its number, from 1. */
  next(key: string): number {
    const visit = (this.#seen.get(key) ?? 0) + 1;
    if (visit === 1 && this.#seen.size >= MAX_KEYS) throw new Error(`more than ${MAX_KEYS} keys in one test site`);
    this.#seen.set(key, visit);
    return visit;
  }
}
