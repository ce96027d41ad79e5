/** What the cron trigger does, once a minute: on Cloudflare by `wrangler.toml`, in the embedded stack by its host. */

import { forgetSessions } from "../db/browser-sessions.ts";
import { dropEndedAnswers } from "../db/library-answers.ts";
import { bornPartitions } from "../db/partitions.ts";
import { forgetCredentials } from "../db/targets.ts";
import type { Env } from "../env.ts";
import { errorText, type Log, makeLog } from "../log.ts";
import { sweepRemovals } from "../routes/admin/remove-account.ts";
import { sweepFiles } from "./files.ts";
import { sweepRecords } from "./records.ts";
import { sweepSeals } from "./seals.ts";
import { runSteps } from "./step.ts";
import { sweepTree } from "./tree.ts";
import { sweepUploads } from "./uploads.ts";

/** Configurations that were replaced or removed, looked at in one sweep. */
const CREDENTIALS_PER_SWEEP = 50;
/** Answers of nodes whose time is over, dropped in one sweep. */
const ANSWERS_PER_SWEEP = 1_000;
/** Sessions of browsers that one sweep forgets. */
const SESSIONS_PER_SWEEP = 1_000;

/** Never throws: each step's failure is logged, and the other steps run. */
export async function sweep(env: Env): Promise<void> {
  const log = makeLog(env);
  const now = Date.now();
  await runSteps(
    [
      { name: "partitions", run: () => wakePartitions(env, log) },
      { name: "credentials", run: async () => ({ gone: await forgetCredentials(env.DB, now, CREDENTIALS_PER_SWEEP) }) },
      { name: "sessions", run: async () => ({ gone: await forgetSessions(env.DB, now, SESSIONS_PER_SWEEP) }) },
      { name: "seals", run: () => sweepSeals(env, log, now) },
      { name: "records", run: () => sweepRecords(env, log, now) },
      { name: "answers", run: async () => ({ gone: await dropEndedAnswers(env.DB, now, ANSWERS_PER_SWEEP) }) },
      { name: "uploads", run: () => sweepUploads(env, log, now) },
      { name: "files", run: () => sweepFiles(env, log, now) },
      { name: "tree", run: () => sweepTree(env, log, now) },
      // Last: its many calls may use up what a Worker has for one run.
      { name: "removals", run: async () => ({ gone: await sweepRemovals(env, now) }) },
    ],
    log,
  );
}

/** The partitions do their own timing; this only wakes one that lost its alarm. */
async function wakePartitions(env: Env, log: Log): Promise<Record<string, number>> {
  const names = await bornPartitions(env.DB);
  // One that does not answer must not keep the others from their turn.
  await Promise.all(
    names.map(async (partition) => {
      try {
        await env.PARTITION.getByName(partition).nodesOnline();
      } catch (error) {
        log("warn", "partition.call_failed", { partition, error: errorText(error) });
      }
    }),
  );
  return {};
}
