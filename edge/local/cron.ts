import { rest } from "./backoff.ts";
import { errorText, type Log } from "./log.ts";

const MINUTE_MS = 60_000;
/** How long a stop waits for the handler that runs. */
const STOP_MS = 1_000;

/** Cron triggers do not fire in Miniflare: calls the tasks at each full minute, one after another, whatever becomes of each. */
export function startCron(
  tasks: readonly (() => Promise<unknown>)[],
  log: Log,
  now: () => number = Date.now,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await rest(MINUTE_MS - (now() % MINUTE_MS), stopping.signal);
      for (const task of tasks) if (!stopping.signal.aborted) await runCron(task, log);
    }
  };
  const running = loop();
  return {
    async stop() {
      stopping.abort();
      // A handler that hangs must not hold up the stop: workerd ends with it.
      const enough = new AbortController();
      await Promise.race([running, rest(STOP_MS, enough.signal)]);
      enough.abort();
    },
  };
}

/** One run; a failure is logged and the next minute tries again. Answers whether it went well. */
export async function runCron(task: () => Promise<unknown>, log: Log): Promise<boolean> {
  try {
    await task();
    return true;
  } catch (error) {
    log.error("cron.failed", { message: errorText(error) });
    return false;
  }
}
