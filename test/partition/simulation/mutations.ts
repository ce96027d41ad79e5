/** Cores that are broken on purpose, one promise each: the simulation has to notice every one of them. */
import { advanceCursor, readCursor } from "../../../edge/partition/drain.ts";
import { recordEvent } from "../../../edge/partition/events.ts";
import type { LiveJob } from "../../../edge/partition/job-row.ts";
import { getJob } from "../../../edge/partition/move.ts";
import { freeNames } from "../../../edge/partition/names.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import { tokenOf } from "../../../edge/partition/turn.ts";
import { CORE, type CoreApi } from "./core-api.ts";

export interface Mutation {
  /** What the broken core does. */
  does: string;
  api: CoreApi;
  /** How the simulation names the broken promise; it may find another one first. */
  breaks: RegExp;
}

function mutate(does: string, change: Partial<CoreApi>, breaks: RegExp): Mutation {
  return { does, api: { ...CORE, ...change }, breaks };
}

function holdsAnyToken(job: LiveJob | undefined): job is LiveJob {
  return job?.state === "offered" || job?.state === "running";
}

export const MUTATIONS: readonly Mutation[] = [
  mutate(
    "accepts a stale token",
    {
      claim(turn, who, id, token) {
        const job = getJob(turn, id);
        return holdsAnyToken(job) ? { kind: "holder", job } : CORE.claim(turn, who, id, token);
      },
    },
    /a stale token changes nothing/,
  ),
  mutate(
    "does not return what an older session held",
    {
      enterSession(turn, who) {
        turn.sql.run(
          "UPDATE sessions SET session = ? WHERE node_id = ? AND session < ?",
          who.session,
          who.node,
          who.session,
        );
        return CORE.enterSession(turn, who);
      },
    },
    /a lease watches over each hand-out/,
  ),
  mutate(
    "hands out more recordings than a node has room for",
    {
      leaseJobs: (turn, who, request, slots, cursor) =>
        CORE.leaseJobs(turn, who, request, { ...slots, live: slots.live + 1 }, cursor),
    },
    /a lease fits the slots/,
  ),
  mutate(
    "reaps on a late run",
    { runDue: (turn) => CORE.runDue(turn, { lastHandledAt: 0, dueAt: turn.now }) },
    /a late reaper reaps nothing/,
  ),
  mutate(
    "frees a name before the job has ended",
    {
      fail(turn, job, report) {
        const after = CORE.fail(turn, job, report);
        freeNames(turn, job.id);
        return after;
      },
    },
    /a reserved name is held/,
  ),
  mutate(
    "frees the name of a file",
    {
      committed(turn, id, files) {
        const job = CORE.committed(turn, id, files);
        freeNames(turn, id);
        return job;
      },
    },
    /a file keeps its name/,
  ),
  mutate(
    "retires a job that D1 has not heard of",
    {
      retire(sql, limit) {
        const cursor = readCursor(sql, "d1");
        advanceCursor(sql, "d1", Number.MAX_SAFE_INTEGER);
        const retired = CORE.retire(sql, limit);
        sql.run("UPDATE cursors SET event_id = ? WHERE sink = 'd1'", cursor);
        return retired;
      },
    },
    /D1|an acknowledged create ends|no file is lost|one set of files/,
  ),
  mutate(
    "leases a job before D1 has it",
    {
      leaseJobs: (turn, who, requestId, slots) => CORE.leaseJobs(turn, who, requestId, slots, Number.MAX_SAFE_INTEGER),
    },
    /leased only when D1 has it/,
  ),
  mutate(
    "ends a job twice",
    {
      committed(turn, id, files) {
        const job = CORE.committed(turn, id, files);
        if (job !== null) recordEvent(turn, job, "job.completed", null);
        return job;
      },
    },
    /nothing after the terminal event/,
  ),
  mutate(
    "cancels a job that has ended",
    {
      cancelJob(turn, account, id, force) {
        const job = getJob(turn, id);
        if (job === undefined || !isTerminal(job.state)) return CORE.cancelJob(turn, account, id, force);
        turn.sql.run("UPDATE jobs SET state = 'cancelled', version = version + 1 WHERE id = ?", id);
        return { kind: "cancelled", event: recordEvent(turn, job, "job.cancelled", null) };
      },
    },
    /transition|nothing after the terminal event/,
  ),
  mutate(
    "gives the same token to two nodes",
    {
      releaseAttempt(turn, job) {
        CORE.releaseAttempt(turn, job);
        turn.sql.run("UPDATE jobs SET attempt = attempt - 1 WHERE id = ?", job.id);
      },
    },
    /a token never returns/,
  ),
  mutate(
    "takes a second completion while the first is being committed",
    {
      claim(turn, who, id, token) {
        const job = getJob(turn, id);
        return job?.state === "finishing" ? { kind: "holder", job } : CORE.claim(turn, who, id, token);
      },
    },
    /a stale token changes nothing|the winner hears the outcome/,
  ),
  mutate(
    "lets go of a finishing job when its session is lost",
    {
      commitFailed(turn, id, problem) {
        const job = getJob(turn, id);
        if (job === undefined || problem.kind !== "unavailable") return CORE.commitFailed(turn, id, problem);
        return CORE.fail(turn, job, { class: "lost", message: null, permanent: false, retryAfterMs: null });
      },
    },
    /finishing ends by commit or class storage/,
  ),
  mutate(
    "forgets to wake for a job that waits",
    {
      nextDue(turn) {
        const waiting = turn.sql.get("SELECT 1 AS x FROM jobs WHERE state = 'delayed' LIMIT 1") !== undefined;
        return waiting ? null : CORE.nextDue(turn);
      },
    },
    /alarm iff something is due/,
  ),
  mutate(
    "counts a released job as running still",
    {
      releaseAttempt(turn, job) {
        CORE.releaseAttempt(turn, job);
        turn.sql.run("UPDATE accounts SET processing = processing + 1 WHERE id = ?", job.account_id);
      },
    },
    /counters are the rows/,
  ),
  mutate(
    "confirms a cancelled offer",
    {
      claim(turn, who, id, token) {
        const job = getJob(turn, id);
        const cancelled = job?.state === "cancelled" && tokenOf(turn, job.attempt) === token;
        return cancelled ? { kind: "holder", job } : CORE.claim(turn, who, id, token);
      },
    },
    /a stale token changes nothing|a cancelled job never runs/,
  ),
];
