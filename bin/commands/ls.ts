import { Command, Option } from "commander";
import { apiClient } from "../api-client.ts";
import { integerBetween } from "../arguments.ts";
import { resolveConnection } from "../connection.ts";
import { formatBytes, formatTable, printable } from "../format.ts";
import { JobListSchema } from "../job.ts";

const STATUSES = ["pending", "processing", "completed", "failed", "warning", "skipped"];

/** `trawl ls`: the newest jobs. */
export function lsCommand(): Command {
  return new Command("ls")
    .description("list jobs, newest first")
    .addOption(new Option("--status <status>", "only these").choices(STATUSES))
    .option("--limit <n>", "how many, at most 100", integerBetween(1, 100), 20)
    .option("--json", "the list as JSON")
    .action(async (flags: { status?: string; limit: number; json?: boolean }) => {
      const client = apiClient(await resolveConnection());
      const query = new URLSearchParams({
        limit: String(flags.limit),
        ...(flags.status ? { status: flags.status } : {}),
      });
      const list = await client.json(JobListSchema, `/jobs?${query}`);
      if (flags.json) return void process.stdout.write(`${JSON.stringify(list)}\n`);
      if (list.jobs.length === 0) return void process.stderr.write("no jobs\n");
      const rows = list.jobs.map((job) => [
        job.id,
        job.step === "Cancelled" ? "Cancelled" : job.status,
        job.status === "Processing" && job.progress !== null ? `${job.progress.toFixed(1)}%` : "",
        formatBytes(job.file_size),
        new Date(job.created_at).toISOString().slice(0, 19),
        printable(job.title ?? job.url),
      ]);
      process.stdout.write(`${formatTable([["ID", "STATUS", "DONE", "SIZE", "CREATED", "TITLE"], ...rows])}\n`);
    });
}
