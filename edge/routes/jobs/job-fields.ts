/** Rules of a create's body beyond its schema: the URL guard, and the order in which bad fields are told. */
import type { z } from "zod";
import { countCodePoints } from "../../../shared/code-points.ts";
import { checkUrl } from "../../../shared/url-guard.ts";
import { AppError, type FieldError } from "../../app-error.ts";
import { type Env, urlPolicy } from "../../env.ts";
import { invalidFields, parseBody } from "../http.ts";

const MAX_WEBHOOK_URL_LENGTH = 2_048;

/**
 * Field rules and URL guard together, so that `details` lists all bad fields in the order of the table.
 *
 * @param extra problems found besides, for fields that the schema does not know.
 */
export function parseFields<Schema extends z.ZodType>(
  schema: Schema,
  raw: Record<string, unknown>,
  order: readonly string[],
  extra: FieldError[],
): z.output<Schema> {
  const problems = [...extra];
  let body: z.output<Schema> | null = null;
  try {
    body = parseBody(schema, raw);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    problems.push(...(error.extras.details ?? []));
  }
  if (problems.length > 0 || body === null) {
    throw invalidFields(problems.sort((a, b) => position(order, a.field) - position(order, b.field)));
  }
  return body;
}

/** `jobs[3].url` stands where `jobs` does, its items in their own order (the sort is stable). */
function position(order: readonly string[], field: string): number {
  const index = order.indexOf(field.split(/[.[]/)[0] ?? field);
  return index === -1 ? order.length : index;
}

export function urlProblems(field: string, text: unknown, env: Env): FieldError[] {
  if (typeof text !== "string") return [];
  const verdict = checkUrl(text, urlPolicy(env));
  if (verdict.ok) return [];
  const message =
    verdict.reason === "private"
      ? `${field} must not point to a private address`
      : `${field} must be a valid http or https URL`;
  return [{ field, message }];
}

export function webhookProblems(text: unknown, env: Env): FieldError[] {
  const field = "webhook_url";
  if (typeof text !== "string") return [];
  if (countCodePoints(text) > MAX_WEBHOOK_URL_LENGTH) {
    return [{ field, message: `${field} must be a valid http or https URL` }];
  }
  const problems = urlProblems(field, text, env);
  if (problems.length > 0) return problems;
  const url = new URL(text);
  return url.username !== "" || url.password !== ""
    ? [{ field, message: "webhook_url must not contain credentials" }]
    : [];
}
