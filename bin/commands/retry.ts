import { randomUUID } from "node:crypto";
import { Command } from "commander";
import { z } from "zod";
import { apiClient } from "../api-client.ts";
import { resolveConnection } from "../connection.ts";
import { print } from "../print.ts";
import type { SetExit } from "../program.ts";
import { waitForJobs } from "../wait-for-jobs.ts";

const RetriedSchema = z.looseObject({ job_id: z.string(), original_job_id: z.string() });

/** `trawl retry`: a job that did not complete, once more as a new job. */
export function retryCommand(setExit: SetExit): Command {
  return new Command("retry")
    .description("run a job that did not complete again, as a new job")
    .argument("<id>", "job id")
    .option("--wait", "follow the new job; exit 0 only if it completed")
    .option("--json", "the answer, or with --wait the finished job, as JSON")
    .action(async (id: string, flags: { wait?: boolean; json?: boolean }) => {
      const client = apiClient(await resolveConnection());
      const answer = await client.json(RetriedSchema, `/jobs/${encodeURIComponent(id)}/retry`, {
        method: "POST",
        // With it the client may repeat a retry whose answer was a 503.
        headers: { "x-idempotency-key": randomUUID() },
      });
      if (flags.wait) setExit(await waitForJobs(client, [answer.job_id], { json: flags.json === true }));
      else print(flags.json, answer, answer.job_id);
    });
}
