import type { ApiClient } from "./api-client.ts";
import { EXIT_FAILURE, EXIT_OK } from "./cli-error.ts";
import { followJob } from "./follow-job.ts";
import { formatBytes, printable } from "./format.ts";
import type { Job } from "./job.ts";
import { createProgress, type Screen } from "./progress.ts";

/** Options of {@link waitForJobs}. */
export type WaitOptions = { json: boolean; screen?: Screen; write?: (text: string) => unknown };

/** Streams that are followed at once: browsers and proxies allow fewer, the edge many more. */
const MAX_FOLLOWED = 32;

/** Follows jobs to their ends, drawing bars on stderr; answers the exit code: 0 only if all completed. */
export async function waitForJobs(client: ApiClient, ids: readonly string[], options: WaitOptions): Promise<number> {
  const { json, screen = process.stderr, write = (text) => process.stdout.write(text) } = options;
  const progress = json ? null : createProgress(screen);
  const jobs = new Map<string, Job>();
  const queue = [...ids];
  const follow = async (): Promise<void> => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) {
      const label = id;
      jobs.set(id, await followJob(client, id, { onState: (state) => progress?.update(label, state) }));
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_FOLLOWED, ids.length) }, follow));
  progress?.done();
  for (const id of ids) {
    const job = jobs.get(id);
    if (job !== undefined) write(json ? `${JSON.stringify(job)}\n` : `${summary(job)}\n`);
  }
  return [...jobs.values()].every((job) => job.status === "Completed") ? EXIT_OK : EXIT_FAILURE;
}

function summary(job: Job): string {
  if (job.status !== "Completed") return `${job.id}  ${job.status}  ${printable(job.error ?? "")}`;
  const media = job.files.find((file) => file.kind === "media");
  return `${job.id}  Completed  ${printable(media?.key ?? job.title ?? "")}  ${formatBytes(job.file_size)}`;
}
