import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Command } from "commander";
import { apiClient } from "../api-client.ts";
import { Failure } from "../cli-error.ts";
import { resolveConnection } from "../connection.ts";
import { downloadFile } from "../download.ts";
import { formatBytes, formatTable, printable } from "../format.ts";
import { type Job, JobSchema } from "../job.ts";

/** `trawl get`: one job, or its file. */
export function getCommand(): Command {
  return new Command("get")
    .description("show a job, or download its file")
    .argument("<id>", "job id")
    .option("-o, --output <file>", "download the file to this path or folder, resuming an earlier try")
    .option("--json", "the job as JSON")
    .action(async (id: string, flags: { output?: string; json?: boolean }) => {
      const client = apiClient(await resolveConnection());
      const job = await client.json(JobSchema, `/jobs/${encodeURIComponent(id)}`);
      if (flags.output !== undefined) await save(job, flags.output);
      if (flags.json) process.stdout.write(`${JSON.stringify(job)}\n`);
      else if (flags.output === undefined) process.stdout.write(`${jobTable(job)}\n`);
    });
}

async function save(job: Job, output: string): Promise<void> {
  if (job.s3_url === null) throw new Failure(noFileText(job));
  const isFolder = (await stat(output).catch(() => null))?.isDirectory() ?? false;
  const key = job.files.find((file) => file.kind === "media")?.key ?? job.id;
  const target = isFolder ? join(output, basename(key)) : output;
  const bytes = await downloadFile(job.s3_url, target);
  process.stderr.write(`${target}: ${formatBytes(bytes)}\n`);
}

function noFileText(job: Job): string {
  if (job.status === "Completed") return `job ${job.id} has no file any more`;
  if (job.error !== null) return `job ${job.id} has no file: ${job.status}, ${printable(job.error)}`;
  return `job ${job.id} has no file yet: ${job.status}; wait for it with: trawl watch ${job.id}`;
}

/** What is set, one line each; the file's address last, as it is long. */
function jobTable(job: Job): string {
  const rows = Object.entries(job)
    .filter(([name, value]) => value !== null && value !== false && name !== "files" && name !== "s3_url")
    .filter(([, value]) => !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => [name, cell(name, value)]);
  for (const file of job.files) rows.push([file.kind, `${printable(file.key)} (${formatBytes(file.size)})`]);
  if (job.s3_url !== null) rows.push(["s3_url", job.s3_url]);
  return formatTable(rows);
}

function cell(name: string, value: unknown): string {
  if (typeof value === "number" && name.endsWith("_at")) return new Date(value).toISOString();
  if (name === "file_size" && typeof value === "number") return formatBytes(value);
  return printable(typeof value === "string" ? value : JSON.stringify(value));
}
