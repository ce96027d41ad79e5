/** Errors of the library API (section 1.3 there): `{"error": "<text>"}`, sometimes with more keys beside it. */
import { AppError, type ErrorCode } from "../../app-error.ts";

export const CHALLENGE = { "WWW-Authenticate": 'Basic realm="Authorization Required."' };

export function invalidCredentials(): AppError {
  return new AppError("unauthenticated", "Unauthorized (Invalid credentials).", { headers: CHALLENGE });
}

/** What is said where the shared code's own text is another surface's. */
const TEXTS: Partial<Record<ErrorCode, string>> = {
  rate_limited: "Too many requests.",
  internal: "Internal Server Error",
  timed_out: "The worker node did not answer in time.",
};

export function libraryErrorResponse(thrown: AppError): Response {
  // The key was revoked within the seconds for which this Worker remembers it.
  const isOfKey = thrown.code === "unauthenticated" && thrown.extras.headers === undefined;
  const error = isOfKey ? invalidCredentials() : thrown;
  const { headers, body } = error.extras;
  if (error.code === "method_not_allowed") return plainError(405, "Method Not Allowed", headers);
  const text = TEXTS[error.code] ?? (error.code === "unavailable" ? sentence(error.message) : error.message);
  return Response.json({ error: text, ...body }, { status: error.status, headers: { ...headers } });
}

/** What the shared code says of what is away has no full stop. */
function sentence(text: string): string {
  return text.endsWith(".") ? text : `${text}.`;
}

/** A path that nothing is at. */
export function unknownPath(): Response {
  return plainError(404, "Not Found");
}

function plainError(status: number, text: string, headers: Record<string, string> = {}): Response {
  return new Response(`${status}: ${text}`, {
    status,
    headers: { ...headers, "Content-Type": "text/plain; charset=utf-8" },
  });
}

/** One bad field. `msg` of a `value_error` begins with `Value error, `. */
export interface ValidationDetail {
  /** Path of the field; empty for a rule over the whole object. */
  loc: (string | number)[];
  msg: string;
  type: "value_error" | "missing" | "enum" | "literal_error" | "too_short";
}

/** 400 with all bad fields of a feature object. `what` as the spec's section 1.3 lists them: `preset`, `dl field`, … */
export function failedToValidate(what: string, detail: ValidationDetail[]): AppError {
  return new AppError("invalid", `Failed to validate ${what}.`, { body: { detail } });
}

/** @param path Of the field; empty for a rule over the whole object. */
export function valueError(path: (string | number)[], text: string): ValidationDetail {
  return { loc: path, msg: `Value error, ${text}`, type: "value_error" };
}
