import { Command } from "commander";
import { z } from "zod";
import { apiClient } from "../api-client.ts";
import { resolveConnection } from "../connection.ts";

const CancelledSchema = z.looseObject({ message: z.string(), job_id: z.string() });

/** `trawl cancel`: a job that waits; with `--force` one that runs. */
export function cancelCommand(): Command {
  return new Command("cancel")
    .description("cancel a job that has not begun")
    .argument("<id>", "job id")
    .option("--force", "stop it even while it runs")
    .option("--json", "the answer as JSON")
    .action(async (id: string, flags: { force?: boolean; json?: boolean }) => {
      const client = apiClient(await resolveConnection());
      const path = `/jobs/${encodeURIComponent(id)}${flags.force ? "?force=true" : ""}`;
      const answer = await client.json(CancelledSchema, path, { method: "DELETE" });
      process.stdout.write(flags.json ? `${JSON.stringify(answer)}\n` : `${answer.message}\n`);
    });
}
