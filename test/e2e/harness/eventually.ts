import { setTimeout as delay } from "node:timers/promises";

const POLL_MILLIS = 20;

/**
 * Looks again until there is something to see: for what tells nobody that it has happened, as the end of a process that
 * is no child of ours. What does tell (a job, a log line, a request) is awaited by its own signal.
 *
 * @throws after `limitMs`, with what `describe` says then.
 */
export async function eventually<T>(
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  describe: () => string = () => String(look),
  limitMs = 10_000,
): Promise<T> {
  const end = performance.now() + limitMs;
  for (;;) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`not within ${limitMs} ms: ${describe()}`);
    await delay(POLL_MILLIS);
  }
}
