/** The three look-ups (`/metadata`, `/is-short`, `/api/info`) take one body and ask a node one question. */
import { z } from "zod";
import type { CallResult } from "../../../shared/contract/calls.ts";
import { EXAMPLE_URL } from "../../../shared/contract/views/fields.ts";
import { type AppContext, readJsonObject } from "../http.ts";
import { parseFields, urlProblems } from "../jobs/job-fields.ts";
import { askNode } from "./ask-node.ts";

export const LookBody = z
  .object({ url: z.string().describe("What to look at: http or https, at most 4,096 characters") })
  .meta({ id: "Look", description: "A URL to look at.", examples: [{ url: EXAMPLE_URL }] });

export type Look = Extract<CallResult, { kind: "look" }>;

/**
 * Reads the body and lets a node look at its URL.
 *
 * @param accept throws for a URL that is none of the route's.
 * @throws AppError 400 for a bad field, and as {@link askNode}
 */
export async function lookAt(context: AppContext, accept: (url: string) => void = () => {}): Promise<Look> {
  const raw = await readJsonObject(context.req.raw);
  const { url } = parseFields(LookBody, raw, ["url"], urlProblems("url", raw.url, context.env));
  accept(url);
  const look = await askNode(context, { kind: "look", url });
  if (look.kind !== "look") throw new Error("a look was answered by something else");
  return look;
}
