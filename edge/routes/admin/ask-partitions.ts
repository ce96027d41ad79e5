/** The operator speaks to partitions by name, to one or to all of them. */
import { HEALTH_WAIT_MS, ORDER_WAIT_MS } from "../../../shared/limits.ts";
import { unavailable } from "../../app-error.ts";
import { configuredPartitions, everyPartition } from "../../auth/choose-partition.ts";
import type { Env } from "../../env.ts";
import { errorText, makeLog } from "../../log.ts";
import type { Partition } from "../../partition/partition.ts";
import { within } from "../../within.ts";
import { partitionStub } from "../jobs/job-access.ts";

const RETRY_SECONDS = 2;
const NO_ANSWER = "no answer in time";

type Ask<Answer> = (stub: DurableObjectStub<Partition>) => Promise<Answer>;

/** Throws 503 when the partition does not answer. What was to be kept is in D1 by then, and a repeat is safe. */
export async function askOne<Answer>(env: Env, name: string, ask: Ask<Answer>): Promise<Answer> {
  try {
    return await within(ORDER_WAIT_MS, ask(partitionStub(env, name)), NO_ANSWER);
  } catch (error) {
    logFailure(env, name, error);
    throw unavailable("A partition did not answer, try again", RETRY_SECONDS);
  }
}

/** Tells every partition, or throws 503 if one of them did not hear it. */
export async function tellAll(env: Env, tell: Ask<unknown>): Promise<void> {
  const names = await everyPartition(env);
  await Promise.all(names.map((name) => askOne(env, name, tell)));
}

export interface Asked<Answer> {
  name: string;
  /** Null: it did not answer. */
  answer: Answer | null;
}

/** What D1 answers, or an error once `HEALTH_WAIT_MS` are over: who asks how things are must not wait for what hangs. */
export function askDatabase<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return within(HEALTH_WAIT_MS, answer, NO_ANSWER);
}

/** What each partition answers within `HEALTH_WAIT_MS`; one that is away, or D1, does not hide the others. */
export async function askAll<Answer>(env: Env, ask: Ask<Answer>): Promise<Asked<Answer>[]> {
  // Without D1 those of today's settings still have something to say.
  const names = await askDatabase(everyPartition(env)).catch(() => configuredPartitions(env));
  return askEach(env, names, ask);
}

/** As {@link askAll}, of these. */
export function askEach<Answer>(env: Env, names: readonly string[], ask: Ask<Answer>): Promise<Asked<Answer>[]> {
  return Promise.all(
    names.map(async (name) => {
      const asked = within(HEALTH_WAIT_MS, ask(partitionStub(env, name)), NO_ANSWER);
      const answer = await asked.catch((error: unknown) => {
        logFailure(env, name, error);
        return null;
      });
      return { name, answer };
    }),
  );
}

function logFailure(env: Env, partition: string, error: unknown): void {
  makeLog(env)("warn", "partition.call_failed", { partition, error: errorText(error) });
}
