import { derivedId } from "../../shared/derived-id.ts";

/** What makes an id the same whenever the same thing happens again. */
export interface IdParts {
  /** The job or the batch. */
  subject: string;
  /** When that was created, epoch milliseconds: the time inside the id. */
  createdAt: number;
  /** What happened to it, such as `job_completed`. */
  type: string;
  /** One of several of that type, such as a stage of progress. */
  stage?: string;
}

/**
 * A `webhook-id`: derived, never drawn (DESIGN section 2, Courier). An event that is repeated after a lost answer or a
 * rebuilt partition is then the same webhook, for us and for its receiver.
 *
 * @example await deriveId({ subject: job.id, createdAt: job.created_at, type: "progress", stage: "muxing" })
 */
export function deriveId(parts: IdParts): Promise<string> {
  return derivedId(parts.createdAt, parts.subject, parts.type, parts.stage ?? "");
}
