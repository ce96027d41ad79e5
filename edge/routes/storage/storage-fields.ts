/** Rules of a storage object beyond its schema: the URL guard (jobs API 1.5), nulls. */
import type { FieldError } from "../../app-error.ts";
import type { Env } from "../../env.ts";
import { urlProblems } from "../jobs/job-fields.ts";

/** @param prefix of the field: `storage.` where it is inline */
export function endpointProblem(endpoint: unknown, env: Env, prefix = ""): FieldError[] {
  const field = `${prefix}endpoint`;
  const problems = urlProblems(field, endpoint, env);
  if (problems.length > 0 || typeof endpoint !== "string") return problems;
  const { username, password, search, hash } = new URL(endpoint);
  // It is a base: credentials have fields of their own, and a query would not survive.
  return `${username}${password}${search}${hash}` === ""
    ? []
    : [{ field, message: `${field} must be a valid http or https URL` }];
}

/** Of inline storage. Providers without an endpoint ignore the field. */
export function endpointProblems(storage: unknown, env: Env): FieldError[] {
  if (typeof storage !== "object" || storage === null) return [];
  const { provider, endpoint } = storage as { provider?: unknown; endpoint?: unknown };
  return provider === "s3" || provider === "oss" ? endpointProblem(endpoint, env, "storage.") : [];
}

/** A null equals an omitted field inside `storage` too. */
export function withoutNulls(raw: Record<string, unknown>): Record<string, unknown> {
  const { storage } = raw;
  if (typeof storage !== "object" || storage === null || Array.isArray(storage)) return raw;
  const fields = Object.fromEntries(Object.entries(storage).filter(([, field]) => field !== null));
  return { ...raw, storage: fields };
}
