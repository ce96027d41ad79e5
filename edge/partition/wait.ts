/** Waiting for a stream that has not begun (jobs API 11.5): until when, and when to look again. Pure. */
import { WAIT_FOR_VIDEO_MS } from "../../shared/limits.ts";
import type { LiveJob } from "./job-row.ts";
import type { ResolvedCore } from "./turn.ts";

export type WaitRule = Pick<ResolvedCore, "waitRecheckMs" | "waitRecheckMaxMs" | "waitPatientAfterMs">;

/** Counted from the first look that found it not begun. */
export function waitUntil(job: Pick<LiveJob, "wait_until">, now: number): number {
  return job.wait_until ?? now + WAIT_FOR_VIDEO_MS;
}

/**
 * At the announced start, but not long without a look, since starts are moved forward too; around it (or where none is
 * announced, from the first look on) often; and once that is long past, rarely. Each look takes a node a second or two.
 */
export function nextLook(startsAt: number | null, until: number, now: number, rule: WaitRule): number {
  return Math.min(until, now + restMs(startsAt, until, now, rule));
}

function restMs(startsAt: number | null, until: number, now: number, rule: WaitRule): number {
  const ahead = startsAt === null ? 0 : startsAt - now;
  if (ahead > rule.waitRecheckMs) return Math.min(ahead, rule.waitRecheckMaxMs);
  const since = startsAt ?? until - WAIT_FOR_VIDEO_MS;
  return now - since < rule.waitPatientAfterMs ? rule.waitRecheckMs : rule.waitRecheckMaxMs;
}
