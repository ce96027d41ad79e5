/** Answers of event streams (jobs API 7). */
import type { z } from "zod";
import { EVENT_STREAM_EXAMPLE } from "../../shared/contract/views/events.ts";
import type { AnswerDoc } from "./describe.ts";

/** One stream whose events have any of these as their data. */
export function streamed(...data: readonly z.ZodType[]): AnswerDoc[] {
  const [first, ...others] = data.map((schema) => ({ status: 200, schema, contentType: "text/event-stream" }));
  if (first === undefined) return [];
  const description = "Server-sent events; `: keep-alive` every 15 s.";
  return [
    { ...first, description, examples: [EVENT_STREAM_EXAMPLE] },
    ...others.map((each) => ({ ...each, description: "", examples: [] })),
  ];
}

/** What stops a browser's EventSource from coming back. */
export const NOTHING_MORE: AnswerDoc = {
  status: 204,
  description: "The id asked for is at or past the terminal event: there is nothing more.",
};
