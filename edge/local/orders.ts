import { setTimeout as delay } from "node:timers/promises";
import { errorText, type Log } from "./log.ts";

/** The Worker's answer to its client leaves before the stack does. */
const ANSWER_FIRST_MS = 250;

/**
 * What the Worker may tell its host, over a binding that nobody else reaches: `POST /shutdown` (library API 10.2). It has
 * checked who asks.
 */
export function orders(started: Promise<{ stop(): Promise<void> }>, log: Log): (request: Request) => Promise<Response> {
  const stop = async (): Promise<void> => {
    await delay(ANSWER_FIRST_MS);
    await (await started).stop();
  };
  return async ({ method, url }) => {
    if (method !== "POST" || new URL(url).pathname !== "/shutdown") return new Response(null, { status: 404 });
    log.info("host.shutdown_asked");
    stop().catch((error: unknown) => log.error("host.stop_failed", { message: errorText(error) }));
    return new Response(null, { status: 202 });
  };
}
