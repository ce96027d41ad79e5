import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { type ApiClient, ApiFailure } from "./api-client.ts";
import { isTerminal, type Job, JobSchema, type JobState, JobStateSchema } from "./job.ts";
import { readEvents } from "./sse.ts";

/** Options of {@link followJob}. */
export type FollowOptions = {
  /** Hears each state, the final one too. */
  onState: (state: JobState) => void;
  signal?: AbortSignal;
  /** Between two polls, and between two tries to connect, milliseconds. Defaults to 2 s, the API's advice. */
  pollMs?: number;
};

const SnapshotSchema = z.object({ job: JobStateSchema });
/** An edge that restarts comes back within seconds; a minute without an answer is a failure. */
const MAX_MISSED = 30;

/**
 * Follows a job to its end and answers it as it then is. It listens to the event stream; where that is not served, or
 * while it is broken, it polls, so an edge that restarts is outlived. Only the first contact must succeed.
 *
 * @throws ApiFailure, Failure
 */
export async function followJob(client: ApiClient, id: string, options: FollowOptions): Promise<Job> {
  const { onState, pollMs = 2_000 } = options;
  const path = `/jobs/${encodeURIComponent(id)}`;
  const wait = options.signal === undefined ? {} : { signal: options.signal };
  let missed = 0;
  let streams = true;
  let reached = false;
  for (;;) {
    try {
      if (streams) streams = await listen(client, path, onState, wait);
      const job = await client.json(JobSchema, path, wait);
      onState(job);
      if (isTerminal(job.status)) return job;
      missed = 0;
      reached = true;
    } catch (error) {
      if (options.signal?.aborted || !reached || isFinal(error) || ++missed > MAX_MISSED) throw error;
    }
    await delay(pollMs, undefined, wait);
  }
}

/** Hears one stream to its end. Answers false where streams are not served at all. */
async function listen(
  client: ApiClient,
  path: string,
  onState: (state: JobState) => void,
  wait: { signal?: AbortSignal },
): Promise<boolean> {
  const response = await client.raw(`${path}/events`, { ...wait, headers: { accept: "text/event-stream" } });
  if (response.status !== 200 || response.body === null) {
    await response.body?.cancel();
    return ![404, 405, 501].includes(response.status);
  }
  try {
    for await (const { event, data } of readEvents(response.body)) {
      const body: unknown = JSON.parse(data);
      if (event === "snapshot") onState(SnapshotSchema.parse(body).job);
      else onState(JobStateSchema.parse(body));
    }
  } catch (error) {
    if (wait.signal?.aborted) throw error;
    // A broken stream is no news about the job: the poll that follows tells how it stands.
  }
  return true;
}

function isFinal(error: unknown): boolean {
  return error instanceof ApiFailure && error.status < 500 && error.status !== 429;
}
