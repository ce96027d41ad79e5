import { BatchEvent, JobEvent, StreamReset } from "../../../shared/contract/views/events.ts";
import { lastEventId, sseResponse } from "../../events/sse.ts";
import { streamed } from "../../openapi/event-answers.ts";
import { RESUME_HEADER, RESUME_QUERY } from "../../openapi/queries.ts";
import type { Endpoint } from "../endpoint.ts";
import { openAccountEvents } from "./account-events.ts";

/** `GET /events` (jobs API 7): everything of the account; stays open. */
export const streamEvents: Endpoint = {
  operationId: "stream-events",
  method: "GET",
  path: "/events",
  summary: "Follow the account as server-sent events",
  scope: "jobs:read",
  describe: {
    tag: "Events",
    details: "Everything of the account; stays open. One `stream.reset` if the id asked for is too old.",
    query: RESUME_QUERY,
    headers: RESUME_HEADER,
    answers: streamed(JobEvent, BatchEvent, StreamReset),
  },
  async handler(context) {
    const since = lastEventId(context.req.header("last-event-id"), context.req.query("last_event_id"));
    return sseResponse(context.req.raw, () => openAccountEvents(context, context.var.caller, since));
  },
};
