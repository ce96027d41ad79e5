import { unavailable } from "../../app-error.ts";
import type { Endpoint } from "../endpoint.ts";
import { accountFacts, askPartition } from "../jobs/job-access.ts";

const D1_RETRY_SECONDS = 2;

interface Texts {
  done: string;
  already: string;
}

/** `POST /api/system/pause`, `/resume` (10.2): jobs of the account that do not run yet do not begin, or do again. */
function pausing(operation: "pause" | "resume", { done, already }: Texts): Endpoint {
  return {
    operationId: operation,
    method: "POST",
    path: `/api/system/${operation}`,
    summary: done,
    scope: "jobs:write",
    async handler(context) {
      const paused = operation === "pause";
      const outcome = await askPartition(context, async (stub) => stub.setPaused(accountFacts(context), paused));
      if (outcome === "unavailable")
        throw unavailable("The change could not be stored yet, try again.", D1_RETRY_SECONDS);
      return outcome === "changed" ? context.json({ message: done }) : context.json({ message: already }, 406);
    },
  };
}

export const PAUSE_ENDPOINTS: readonly Endpoint[] = [
  pausing("pause", {
    done: "Non-active downloads have been paused.",
    already: "Non-active downloads are already paused.",
  }),
  pausing("resume", { done: "Resumed all downloads.", already: "Non-active downloads are not paused." }),
];
