/** What every JSON endpoint shares: bodies in, errors out (jobs API 1.1, 1.2). */
import type { Context } from "hono";
import type { z } from "zod";
import { MAX_BODY_BYTES, MIB } from "../../shared/limits.ts";
import { AppError, type FieldError } from "../app-error.ts";
import type { Caller } from "../auth/authenticate.ts";
import type { Env } from "../env.ts";
import { nestsTooDeep } from "./json-depth.ts";

export interface AppTypes {
  Bindings: Env;
  Variables: {
    caller: Caller;
    requestId: string;
    rateHeaders?: Record<string, string>;
    /** Who has signed in with this request, and may be given a session (library API 1.2). */
    signedIn?: Caller;
  };
}
export type AppContext = Context<AppTypes>;

/** Reads a JSON object of at most 1 MiB. The content type is not asked. An explicit `null` equals an omitted field. */
export async function readJsonObject(
  request: Request,
  options: { keepNulls?: boolean; maxBytes?: number; optional?: boolean } = {},
): Promise<Record<string, unknown>> {
  const text = await readLimited(request, options.maxBytes ?? MAX_BODY_BYTES);
  if (options.optional === true && text.trim() === "") return {};
  const value = parseJson(text);
  if (value === undefined) throw new AppError("invalid", "Invalid JSON body");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new AppError("invalid", "Request body must be a JSON object");
  }
  if (options.keepNulls === true) return value as Record<string, unknown>;
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null));
}

/** Undefined for what is no JSON, or nests deeper than any body of ours has reason to. */
export function parseJson(text: string): unknown {
  if (nestsTooDeep(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @throws AppError 413 past `maxBytes`. */
export async function readLimited(request: Request, maxBytes: number = MAX_BODY_BYTES): Promise<string> {
  const tooLarge = () => new AppError("body_too_large", `Request body is too large (max ${maxBytes / MIB} MiB)`);
  if (Number(request.headers.get("content-length") ?? 0) > maxBytes) throw tooLarge();
  // Chunk by chunk: a body of unannounced length is given up at the limit, not collected first.
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw tooLarge();
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

const TYPE_NAMES: Record<string, string> = {
  string: "a string",
  boolean: "a boolean",
  int: "an integer",
  number: "a number",
  object: "an object",
  record: "an object",
  array: "an array",
};

const FORMAT_NAMES: Record<string, string> = { uuid: "UUID", url: "URL" };

function bound(origin: string, which: "at least" | "at most", limit: number | bigint): string {
  if (origin === "string") return `have ${which} ${limit} characters`;
  return origin === "array" ? `have ${which} ${limit} items` : `be ${which} ${limit}`;
}

/** The texts of jobs API 3.2, and for what it does not name ours, by what zod found. */
function issueText(issue: z.core.$ZodRawIssue): string | undefined {
  const field = fieldPath(issue.path ?? []);
  if (issue.code === "invalid_type") {
    // A null field below the top counts as omitted too; an item of a list is no field.
    const omitted = issue.input === undefined || (issue.input === null && typeof issue.path?.at(-1) === "string");
    if (omitted) return `${field} is required`;
    return `${field} must be ${TYPE_NAMES[String(issue.expected)] ?? `a ${issue.expected}`}`;
  }
  if (issue.code === "invalid_value") {
    if (typeof issue.input !== "string") return `${field} must be a string`;
    return `${field} must be one of: ${issue.values.map(String).join(", ")}`;
  }
  if (issue.code === "too_small") return `${field} must ${bound(issue.origin, "at least", issue.minimum)}`;
  if (issue.code === "too_big") return `${field} must ${bound(issue.origin, "at most", issue.maximum)}`;
  if (issue.code === "invalid_format") return `${field} must be a valid ${FORMAT_NAMES[issue.format] ?? "value"}`;
  return undefined;
}

/** `["jobs", 3, "url"]` → `jobs[3].url`. */
function fieldPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? String(key) : `${text}.${String(key)}`;
  }, "");
}

/** Parses a body; all bad fields are listed, and the first in the schema's order is the error. */
export function parseBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body, { error: issueText });
  if (result.success) return result.data;
  throw invalidFields(result.error.issues.map((issue) => ({ field: fieldPath(issue.path), message: issue.message })));
}

export function invalidFields(details: FieldError[]): AppError {
  const first = details[0] ?? { field: "", message: "Bad request" };
  return new AppError("invalid", first.message, { field: first.field, details });
}

/** The error envelope of the jobs API; the admin API uses it too. */
export function errorResponse(error: AppError): Response {
  const { field, details, headers, body: more } = error.extras;
  const body = {
    error: error.message,
    ...(field === undefined || field === "" ? {} : { field }),
    ...(details === undefined ? {} : { details }),
    ...more,
  };
  return Response.json(body, { status: error.status, headers: { ...headers } });
}
