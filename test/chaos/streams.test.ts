/** A reader of the account's stream, through a kill -9 of workerd: it comes back with its last id and has heard all, once. */
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { readEvents } from "../../bin/sse.ts";
import { type JobEvent, TERMINAL_EVENTS } from "../e2e/harness/api.ts";
import { atEnd, endOfTest } from "../e2e/harness/at-end.ts";
import { Stack } from "../e2e/harness/stack.ts";
import { type Origin, startOrigin } from "../origin/server.ts";

const RECONNECT_MS = 50;

/** Reads on and on, wherever it was cut off, as an EventSource does. Resolves when the predicate has seen enough. */
async function follow(stack: Stack, from: string, enough: (heard: JobEvent[]) => boolean): Promise<JobEvent[]> {
  const heard: JobEvent[] = [];
  for (;;) {
    const last = heard.at(-1)?.id ?? from;
    try {
      const response = await stack.api.raw("GET", "/events", { headers: { "last-event-id": last } });
      if (response.status === 200 && response.body !== null) {
        for await (const { data } of readEvents(response.body)) {
          heard.push(JSON.parse(data) as JobEvent);
          if (enough(heard)) return heard;
        }
      }
    } catch {
      // Away, or cut off in the middle.
    }
    await delay(RECONNECT_MS, undefined, { signal: endOfTest() });
  }
}

test("nothing is left out and nothing comes twice, before, while and after the edge was away", async () => {
  const origin: Origin = await startOrigin();
  atEnd(() => origin.close());
  const stack = await Stack.start({ slots: 1 });
  const first = await stack.api.create({ url: `${origin.url}/hold/running/video-360.mp4` });
  await origin.waitForHeld("running", 2);
  const ids = [first];
  const ends = (heard: JobEvent[]) => heard.filter((event) => TERMINAL_EVENTS.has(event.type));
  const following = follow(stack, "1", (heard) => ends(heard).length === 3);
  ids.push(await stack.api.create({ url: `${origin.url}/vertical.mp4` }));
  const { mark } = stack.log;
  await stack.kill(await stack.workerdPid());
  await stack.log.waitFor("workerd.restarted", undefined, mark);
  ids.push(await stack.api.create({ url: `${origin.url}/audio.m4a`, audio_only: true }));
  origin.release("running");

  const heard = await following;
  const numbers = heard.map((event) => Number(event.id));
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  for (const id of ids) {
    const types = heard.filter((event) => event.job_id === id).map((event) => event.type);
    expect(types.filter((type) => type !== "job.progress")).toEqual(["job.created", "job.started", "job.completed"]);
  }
});
