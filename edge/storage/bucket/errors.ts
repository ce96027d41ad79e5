/** What a bucket server's refusal means for the job (jobs API 12, class storage). */
import { elementText } from "../../../shared/element-text.ts";
import { BUCKET_REFUSED_FOR_GOOD } from "../../../shared/storage-codes.ts";
import { guardRefusal } from "../guard-refusal.ts";
import { StoreError, type StoreFault } from "../store-error.ts";
import { toldPlace } from "./told-place.ts";

const CODE = /^[A-Za-z][A-Za-z0-9.]{0,63}$/;

/** Told with a 4xx, and over in a while. */
const PASSING: ReadonlySet<string> = new Set([
  "ConditionalRequestConflict",
  "OperationAborted",
  "RequestTimeout",
  "RequestTimeTooSkewed",
  "SlowDown",
  // A bucket that was made a moment ago: routes to it are still on their way.
  "TemporaryRedirect",
  "TooManyRequests",
]);
/** For answers without a body, as those to HEAD are. */
const BY_STATUS: Record<number, string> = {
  301: "PermanentRedirect",
  307: "TemporaryRedirect",
  401: "Unauthorized",
  403: "AccessDenied",
  404: "NoSuchKey",
  405: "MethodNotAllowed",
  412: "PreconditionFailed",
  429: "TooManyRequests",
  501: "NotImplemented",
  503: "SlowDown",
};

/** An answer that is no success, as an error. */
export function refusalOf(status: number, headers: Headers, body: string): StoreError {
  const guard = guardRefusal(headers);
  if (guard !== null) return guard;
  const told = elementText(body, "Code");
  const code = told !== null && CODE.test(told) ? told : (BY_STATUS[status] ?? `HTTP ${status}`);
  return new StoreError(code, faultOf(status, code), { told: toldPlace(headers, body) });
}

function faultOf(status: number, code: string): StoreFault {
  if (BUCKET_REFUSED_FOR_GOOD.has(code)) return "permanent";
  if (code === "FileAlreadyExists") return "refused";
  // A server that lacks a feature will not learn it; everything else past 500 is trouble.
  if (code === "NotImplemented") return "refused";
  return status >= 500 || status === 429 || status === 409 || PASSING.has(code) ? "unavailable" : "refused";
}
