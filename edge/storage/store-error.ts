/** What an adapter throws: the store said no, or said nothing. */
import type { CommitResult, ToldPlace, VerifyResult } from "./port.ts";

/**
 * `permanent`: refused credentials, a missing bucket; the same call cannot succeed later (jobs API 12, class storage).
 * `refused`: this call is not taken, another attempt may be. `unavailable`: no answer, or a passing fault; ask again.
 */
export type StoreFault = "permanent" | "refused" | "unavailable";

export class StoreError extends Error {
  override readonly name = "StoreError";
  /** The provider's code (`AccessDenied`, `NoSuchBucket`), or ours: `timeout`, `unreachable`. May be told to the client. */
  readonly code: string;
  readonly fault: StoreFault;
  /** With some refusals of buckets. */
  readonly told: ToldPlace | null;
  /** What is told to the client in place of the code, where that says too little. */
  readonly says: string | null;

  constructor(code: string, fault: StoreFault, more: { told?: ToldPlace | null; says?: string } = {}) {
    super(`The store answered ${code}`);
    this.code = code;
    this.fault = fault;
    this.told = more.told ?? null;
    this.says = more.says ?? null;
  }
}

/** Any error of a commit as its result; what is no answer of the store may have happened all the same. */
export function commitProblem(error: unknown): Extract<CommitResult, { kind: "refused" | "unavailable" }> {
  if (!(error instanceof StoreError)) return { kind: "unavailable", code: "no_answer" };
  const { code, fault } = error;
  return fault === "unavailable"
    ? { kind: "unavailable", code }
    : { kind: "refused", code, permanent: fault === "permanent" };
}

/** Any error of a probe as its result. */
export function verifyProblem(error: unknown): VerifyResult {
  if (!(error instanceof StoreError)) return { ok: false, code: "unreachable" };
  const { code, told } = error;
  return { ok: false, code, ...(told === null ? {} : { told }) };
}
