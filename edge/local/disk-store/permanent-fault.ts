/** Which faults of giving a file its name no repeat can cure. */
import { isErrno, isForbidden } from "./errno.ts";
import { BadKeyError } from "./paths.ts";

/** A word for the caller; null: it may pass. */
export function permanentFault(error: unknown): string | null {
  if (error instanceof BadKeyError) return "bad_key";
  if (isErrno(error, "ENAMETOOLONG")) return "bad_key";
  // exFAT and some network folders: the operator must choose another place.
  if (isErrno(error, "EPERM") || isErrno(error, "ENOTSUP") || isErrno(error, "EOPNOTSUPP")) return "no_hard_links";
  if (isErrno(error, "EXDEV")) return "other_file_system";
  if (isForbidden(error)) return "read_only";
  return null;
}
