/** Bodies and queries of the library API (sections 1.1 and 1.4 there). */
import { AppError } from "../../app-error.ts";
import { type AppContext, parseJson, readLimited } from "../http.ts";

/** Elements of an array; a longer one is refused before any of it is looked at. */
const MAX_ELEMENTS = 1_000;

export interface LibraryBody {
  /** What is said to a body that is no JSON. Defaults to the surface's own text. */
  notJson?: string;
  /** What an empty body is. Absent: no JSON. */
  empty?: unknown;
}

/** Any JSON value of at most 1 MiB; the content type is not looked at. */
export async function readLibraryJson(context: AppContext, body: LibraryBody = {}): Promise<unknown> {
  const text = await readLimited(context.req.raw).catch((error: unknown) => {
    throw error instanceof AppError ? new AppError(error.code, `${error.message}.`) : error;
  });
  if ("empty" in body && text.trim() === "") return body.empty;
  const parsed = parseJson(text);
  if (parsed === undefined) throw new AppError("invalid", body.notJson ?? "Invalid JSON.");
  if (Array.isArray(parsed) && parsed.length > MAX_ELEMENTS) {
    throw new AppError("invalid", `Too many items (max ${MAX_ELEMENTS}).`);
  }
  return parsed;
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @throws AppError 400 with `notObject` for an array, a text, a number. */
export async function readLibraryObject(
  context: AppContext,
  body: LibraryBody & { notObject?: string } = {},
): Promise<Record<string, unknown>> {
  const value = await readLibraryJson(context, body);
  if (!isObject(value)) throw new AppError("invalid", body.notObject ?? "Invalid request body expecting dict.");
  return value;
}
