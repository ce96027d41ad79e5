/** Waits between restarts of something that dies at once; a run of `CALM_MS` counts as a fresh start. */
export const RESTART_FIRST_MS = 250;
export const RESTART_MAX_MS = 30_000;
const CALM_MS = 30_000;

/** The next wait after a run of `ranMs`, given the wait before it: doubles up to the maximum, begins again after calm. */
export function nextRestartMs(previousMs: number, ranMs: number): number {
  if (ranMs >= CALM_MS || previousMs === 0) return RESTART_FIRST_MS;
  return Math.min(previousMs * 2, RESTART_MAX_MS);
}

/** Waits, or ends early without an error when the signal comes. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
