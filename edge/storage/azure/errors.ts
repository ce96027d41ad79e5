/** What Azure's refusal means for the job (jobs API 12, class storage). */
import { elementText } from "../../../shared/element-text.ts";
import { AZURE_REFUSED_FOR_GOOD } from "../../../shared/storage-codes.ts";
import { guardRefusal } from "../guard-refusal.ts";
import { StoreError, type StoreFault } from "../store-error.ts";

const CODE = /^[A-Za-z][A-Za-z0-9]{0,63}$/;

/** Told with a 4xx, and over in a while. */
const PASSING: ReadonlySet<string> = new Set([
  "AccountBeingCreated",
  "ContainerBeingDeleted",
  "ContainerDisabled",
  "OperationTimedOut",
  "ServerBusy",
]);
/** For answers without a code. */
const BY_STATUS: Record<number, string> = {
  403: "AuthenticationFailed",
  404: "BlobNotFound",
  409: "Conflict",
  412: "ConditionNotMet",
  429: "ServerBusy",
  503: "ServerBusy",
};

/** An answer that is no success, as an error. Answers to HEAD carry their code in a header. */
export function azureRefusal(status: number, headers: Headers, body: string): StoreError {
  const guard = guardRefusal(headers);
  if (guard !== null) return guard;
  const told = headers.get("x-ms-error-code") ?? elementText(body, "Code");
  const code = told !== null && CODE.test(told) ? told : (BY_STATUS[status] ?? `HTTP ${status}`);
  return new StoreError(code, faultOf(status, code));
}

function faultOf(status: number, code: string): StoreFault {
  if (AZURE_REFUSED_FOR_GOOD.has(code)) return "permanent";
  return status >= 500 || status === 429 || PASSING.has(code) ? "unavailable" : "refused";
}
