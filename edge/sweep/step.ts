/** The sweep is a row of steps that have nothing to do with each other: one that fails is told, and the next one runs. */
import { errorText, type Log } from "../log.ts";

export const DAY_MS = 86_400_000;

/** What a step did; a step that counted nothing but zeros is not worth a line. */
export type Counted = Record<string, number>;

export interface Step {
  name: string;
  run(): Promise<Counted>;
}

/** Runs all steps, one after another. Never throws. */
export async function runSteps(steps: readonly Step[], log: Log): Promise<void> {
  for (const { name, run } of steps) {
    try {
      const counted = await run();
      if (Object.values(counted).some((count) => count > 0)) log("info", "sweep.ran", { step: name, ...counted });
    } catch (error) {
      log("error", "sweep.failed", { step: name, error: errorText(error) });
    }
  }
}
