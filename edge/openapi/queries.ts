/** Parameters that several endpoints share. Bad numbers are never an error: they are clamped, or the default counts. */
import { z } from "zod";
import { STATUSES } from "../routes/jobs/job-list.ts";

export function pageQuery(defaultLimit: number) {
  return {
    limit: z.int().optional().describe(`Page size, clamped to 1–100. Defaults to ${defaultLimit}`),
    offset: z.int().optional().describe("Items to leave out; negative counts as 0. Defaults to 0"),
  };
}

export const STATUS_QUERY = {
  status: z
    .enum(STATUSES.map((status) => status.toLowerCase()))
    .optional()
    .describe("Only jobs of this status; anything else is ignored"),
};

export const CURSOR_QUERY = {
  cursor: z.string().optional().describe("`next_cursor` of the page before; `offset` is then ignored"),
};

export const FORCE_QUERY = z.object({
  force: z.enum(["true"]).optional().describe("`true` stops what is `Processing` too"),
});

export const IDEMPOTENCY_HEADER = z.object({
  "x-idempotency-key": z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe("Printable ASCII. The same key with the same request answers the first result again for 24 h"),
});

const LAST_EVENT_ID = z.string().optional().describe("Newest event that the client has: it gets what it missed");

export const RESUME_QUERY = z.object({ last_event_id: LAST_EVENT_ID });
export const RESUME_HEADER = z.object({ "last-event-id": LAST_EVENT_ID });
