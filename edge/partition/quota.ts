/**
 * Storage that attempts under way are going to fill (jobs API 3.3): reserved from the look-up's estimate, corrected by
 * the manifest, and let go of by `moveJob` with whatever ends the attempt.
 */
import { MAX_PARTS, MIB, PART_MAX_MIB } from "../../shared/limits.ts";
import type { LiveJob } from "./job-row.ts";
import { limitsOf } from "./lease.ts";
import type { Turn } from "./turn.ts";

/** A node is a stranger: no estimate of it is larger than the largest file that can be uploaded. */
const MAX_ESTIMATE_BYTES = MAX_PARTS * PART_MAX_MIB * MIB;

/** As {@link reserveRoom}, from what a look-up says; 0 if it says nothing. */
export function reserveEstimate(
  turn: Turn,
  job: LiveJob,
  bytes: number | null,
): Pick<LiveJob, "bytes_reserved"> | null {
  return reserveRoom(turn, job, Math.min(bytes ?? 0, MAX_ESTIMATE_BYTES));
}

/** Reserves room for what this attempt brings, in place of what it had reserved. Null: that would be over the quota. */
export function reserveRoom(turn: Turn, job: LiveJob, bytes: number): Pick<LiveJob, "bytes_reserved"> | null {
  const usage = turn.sql.get<{ used: number; reserved: number }>(
    "SELECT bytes_used AS used, bytes_reserved AS reserved FROM accounts WHERE id = ?",
    job.account_id,
  );
  const taken = (usage?.used ?? 0) + (usage?.reserved ?? 0) - job.bytes_reserved;
  const limit = limitsOf(turn, job).storage_limit_bytes ?? Number.POSITIVE_INFINITY;
  if (taken >= limit || taken + bytes > limit) return null;
  turn.sql.run(
    "UPDATE accounts SET bytes_reserved = bytes_reserved + ?, version = version + 1 WHERE id = ?",
    bytes - job.bytes_reserved,
    job.account_id,
  );
  return { bytes_reserved: bytes };
}
