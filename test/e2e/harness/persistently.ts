import { setTimeout as delay } from "node:timers/promises";
import type { Api } from "./api.ts";
import { endOfTest } from "./at-end.ts";

/** Between two tries to reach an edge that is away. */
const RECONNECT_MS = 100;

/** Repeats a call until the edge is there to answer it, as any client of an edge that may be killed has to. */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch {
      await delay(RECONNECT_MS, undefined, { signal: endOfTest() });
    }
  }
}

/** Creates one job under an idempotency key, however often that takes; answers its id. */
export function createOnce(api: Api, body: Record<string, unknown>, key: string): Promise<string> {
  return persistently(async () => {
    const wish = { body, headers: { "x-idempotency-key": key } };
    const { status, body: made } = await api.call<{ job_id: string }>("POST", "/jobs", wish);
    // 200: it had been taken, and the answer was lost.
    if (status !== 201 && status !== 200) throw new Error(`POST /jobs answered ${status}`);
    return made.job_id;
  });
}
