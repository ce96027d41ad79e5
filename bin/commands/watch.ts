import { setTimeout as delay } from "node:timers/promises";
import { Command } from "commander";
import { z } from "zod";
import { type ApiClient, ApiFailure, apiClient } from "../api-client.ts";
import { resolveConnection } from "../connection.ts";
import { JobStateSchema } from "../job.ts";
import type { SetExit } from "../program.ts";
import { progressLine } from "../progress.ts";
import { readEvents } from "../sse.ts";
import { waitForJobs } from "../wait-for-jobs.ts";

const JobEventSchema = JobStateSchema.extend({ job_id: z.string() });
const RECONNECT_MS = 2_000;

/** `trawl watch`: one job to its end, or everything of the account until Ctrl-C. */
export function watchCommand(setExit: SetExit): Command {
  return new Command("watch")
    .description("follow a job to its end, or all jobs until Ctrl-C")
    .argument("[id]", "job id")
    .option("--json", "events, or the finished job, as JSON")
    .action(async (id: string | undefined, flags: { json?: boolean }) => {
      const client = apiClient(await resolveConnection());
      if (id === undefined) await watchAll(client, flags.json === true);
      else setExit(await waitForJobs(client, [id], { json: flags.json === true }));
    });
}

/** Ends by a signal only; a stream that breaks is taken up again behind the last event. */
async function watchAll(client: ApiClient, json: boolean): Promise<never> {
  let lastId: string | null = null;
  for (;;) {
    const resume: Record<string, string> = lastId === null ? {} : { "last-event-id": lastId };
    const response = await client.raw("/events", { headers: { accept: "text/event-stream", ...resume } });
    if (response.status !== 200 || response.body === null) {
      const text = (await response.text()).slice(0, 200);
      throw new ApiFailure(response.status, `the edge answered ${response.status} to /events: ${text}`);
    }
    try {
      for await (const { id, data } of readEvents(response.body)) {
        lastId = id ?? lastId;
        show(data, json);
      }
    } catch {
      // The reconnect below says so if the edge is gone.
    }
    await delay(RECONNECT_MS);
  }
}

function show(data: string, json: boolean): void {
  if (json) return void process.stdout.write(`${data}\n`);
  const event = JobEventSchema.safeParse(JSON.parse(data));
  if (event.success) process.stdout.write(`${progressLine(event.data.job_id, event.data)}\n`);
}
