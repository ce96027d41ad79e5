import { setTimeout as delay } from "node:timers/promises";
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
