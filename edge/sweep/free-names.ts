import { endErasure, erasedJobs } from "../db/file-erasure.ts";
import type { Env } from "../env.ts";
import { errorText, type Log } from "../log.ts";

/**
 * Files are gone from the store and D1 knows it: tells the partitions, so that the names of jobs without any file left are
 * free. Returns the jobs for which nothing is left to be done. One partition that does not answer holds up its own alone.
 */
export async function freeNames(env: Env, log: Log, files: readonly string[], now: number): Promise<Set<string>> {
  const jobs = await erasedJobs(env.DB, files);
  const freed: string[] = [];
  for (const [partition, own] of Map.groupBy(jobs, (job) => job.partition)) {
    const whole = own.filter((job) => job.whole === 1);
    try {
      if (partition !== null) {
        const stub = env.PARTITION.getByName(partition);
        if (whole.length > 0) await stub.forgetFiles(whole, now);
        if (whole.length < own.length) await stub.filesErased(files);
      }
      freed.push(...own.map(({ job }) => job));
    } catch (error) {
      log("warn", "partition.call_failed", { partition, error: errorText(error) });
    }
  }
  await endErasure(env.DB, freed);
  return new Set(freed);
}
