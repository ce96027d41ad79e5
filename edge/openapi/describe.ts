/**
 * What an endpoint says of itself beyond its route. It stands in the endpoint's own file; the document is made of it and
 * of what all endpoints have in common (`common.ts`).
 */
import type { z } from "zod";

export const TAGS = {
  Jobs: "One URL, one file.",
  Batches: "Jobs that belong together: shows, playlists, bulk requests.",
  Look: "Questions about a URL, answered by a worker node at once.",
  Events: "What happens, as it happens.",
  Webhooks: "Deliveries to your server: log, repeats, signing secret.",
  Account: "Usage, limits, notices.",
  Storage: "Where files go, if not to the server's own storage.",
  Dashboard: "Figures for people.",
  Service: "The server itself.",
} as const;

export interface EndpointDoc {
  tag: keyof typeof TAGS;
  /** More than the summary. Markdown, of which the page of ours knows code spans. */
  details?: string;
  /** What `:id` of the path stands for. */
  id?: string;
  /** Each key one parameter; all are text on the wire. */
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: { schema: z.ZodType; required: boolean };
  answers: readonly AnswerDoc[];
}

export interface AnswerDoc {
  status: number;
  /** When it is given. */
  description: string;
  contentType?: string;
  /** Its `examples` are the answer's. */
  schema?: z.ZodType;
  /** Instead of the schema's. */
  examples?: readonly unknown[];
}

/** An error text, and the field that it names. */
export type Refusal = string | { error: string; field: string };

/** A JSON answer. @example answer(200, "The job.", Job) */
export function answer(status: number, description: string, schema: z.ZodType): AnswerDoc {
  return { status, description, schema, contentType: "application/json" };
}

/** Errors of one status, told by their exact texts. @example refused(404, "Unknown id.", "Job not found") */
export function refused(status: number, description: string, ...texts: readonly Refusal[]): RefusalDoc {
  return {
    status,
    description,
    refusals: texts.map((text) => (typeof text === "string" ? { error: text } : text)),
  };
}

export interface RefusalDoc extends AnswerDoc {
  refusals: readonly { error: string; field?: string }[];
}

export function isRefusal(doc: AnswerDoc): doc is RefusalDoc {
  return "refusals" in doc;
}
