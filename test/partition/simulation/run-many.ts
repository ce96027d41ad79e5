import { CORE, type CoreApi } from "./core-api.ts";
import { type RunResult, simulate } from "./simulate.ts";

export interface ManyRuns {
  runs: number;
  steps: number;
  jobs: number;
  /** The first run that broke a promise. */
  broken: RunResult | null;
}

/** Runs seed after seed until one breaks a promise or the time is over; at least `minRuns` of them. */
export async function runMany(firstSeed: number, limitMs: number, minRuns = 1, api: CoreApi = CORE): Promise<ManyRuns> {
  const many: ManyRuns = { runs: 0, steps: 0, jobs: 0, broken: null };
  const end = performance.now() + limitMs;
  while (many.broken === null && (many.runs < minRuns || performance.now() < end)) {
    const result = await simulate(firstSeed + many.runs, api);
    many.runs++;
    many.steps += result.steps;
    many.jobs += result.jobs;
    if (result.violation !== null) many.broken = result;
  }
  return many;
}

/** How to see it again, what broke, and what came before. */
export function describeBroken({ seed, violation, notes }: RunResult): string {
  const job = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.exec(violation?.message ?? "")?.[0];
  const relevant = job === undefined ? notes : notes.filter((note) => note.includes(job) || !note.includes("job "));
  return `TRAWL_SIM_SEED=${seed} replays it.\n${violation?.message}\n${relevant.slice(-40).join("\n")}`;
}
