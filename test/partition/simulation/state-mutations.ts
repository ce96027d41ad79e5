/** Cores that break what holds of jobs, names, counters and events, each on purpose. */
import { recordBatchEvent } from "../../../edge/partition/batch-events.ts";
import { getBatch } from "../../../edge/partition/batches.ts";
import { advanceCursor, readCursor, type UsageRow } from "../../../edge/partition/drain.ts";
import { recordEvent } from "../../../edge/partition/events.ts";
import type { LiveJob } from "../../../edge/partition/job-row.ts";
import { getJob } from "../../../edge/partition/move.ts";
import { freeNames } from "../../../edge/partition/names.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import { tokenOf } from "../../../edge/partition/turn.ts";
import { CORE } from "./core-api.ts";
import { type Mutation, mutate } from "./mutation.ts";
import { ACCOUNTS } from "./tenants.ts";

function limitsOfAccount(id: string): string {
  return ACCOUNTS.find((account) => account.id === id)?.limits ?? "{}";
}

function holdsAnyToken(job: LiveJob | undefined): job is LiveJob {
  return job?.state === "offered" || job?.state === "running";
}

export const STATE_MUTATIONS: readonly Mutation[] = [
  mutate(
    "accepts a stale token",
    {
      claim(turn, who, id, token) {
        const job = getJob(turn, id);
        return holdsAnyToken(job) ? { kind: "holder", job } : CORE.claim(turn, who, id, token);
      },
    },
    /a stale token changes nothing|an attempt is its node's alone/,
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
    /a lease fits the slots|a lease leaves nothing/,
  ),
  mutate(
    "forgets what a node runs already from a host",
    {
      leaseJobs: (turn, ...rest) => CORE.leaseJobs({ ...turn, config: { ...turn.config, maxPerHost: 0 } }, ...rest),
    },
    /a node is polite/,
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
        const cursors = (["d1", "courier"] as const).map((sink) => [sink, readCursor(sql, sink)] as const);
        for (const [sink] of cursors) advanceCursor(sql, sink, Number.MAX_SAFE_INTEGER);
        const retired = CORE.retire(sql, limit);
        for (const [sink, at] of cursors) sql.run("UPDATE cursors SET event_id = ? WHERE sink = ?", at, sink);
        return retired;
      },
    },
    /D1|an acknowledged create ends|no file is lost|one set of files|one outcome is told/,
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
    "counts a batch's job twice",
    {
      committed(turn, id, files) {
        const job = CORE.committed(turn, id, files);
        turn.sql.run("UPDATE batches SET completed = completed + 1 WHERE id = ?", job?.batch_id ?? "");
        return job;
      },
    },
    /a batch counts its jobs/,
  ),
  mutate(
    "ends a batch before its jobs",
    {
      cancelBatch(turn, account, id, force) {
        const batch = getBatch(turn, id);
        if (batch?.finished_at === null) recordBatchEvent(turn, batch, "batch.completed");
        return CORE.cancelBatch(turn, account, id, force);
      },
    },
    /a batch ends after its jobs/,
  ),
  mutate(
    "forgets how far the courier was",
    {
      generationOf: (core, events) => ({
        ...CORE.generationOf(core, events),
        courier_event: Number.MAX_SAFE_INTEGER,
        stream_event: Number.MAX_SAFE_INTEGER,
      }),
    },
    /one outcome is told|a batch's end is told once|a stream hears the end/,
  ),
  mutate(
    "tells the courier what D1 does not have",
    {
      nextEvents(sql, sink) {
        if (sink !== "courier") return CORE.nextEvents(sql, sink);
        return sql.all("SELECT * FROM events WHERE id > ? ORDER BY id LIMIT 100", CORE.readCursor(sql, "courier"));
      },
    },
    /only what is in D1 is told/,
  ),
  mutate(
    "lets a flight of a dead generation land",
    { generationOf: (core, events) => ({ ...CORE.generationOf(core, events), epoch: Number.MAX_SAFE_INTEGER }) },
    /a dead generation writes nothing/,
  ),
  mutate(
    "leaves the offers of a paused account with their nodes",
    {
      setPaused(turn, account, paused) {
        const event = CORE.setPaused(turn, account, false) ?? turn.ids.next(turn.now);
        turn.sql.run("UPDATE accounts SET paused = ? WHERE id = ?", Number(paused), account.id);
        turn.figures.forget();
        return event;
      },
    },
    /what is paused does not begin/,
  ),
  mutate(
    "does not tell D1 of a pause",
    { collectFlight: (sql, events) => ({ ...CORE.collectFlight(sql, events), accounts: [] }) },
    /a pause is kept/,
  ),
  mutate(
    "keeps no idempotency key over the loss of its storage",
    { collectFlight: (sql, events) => ({ ...CORE.collectFlight(sql, events), idempotency: [] }) },
    /a key creates once|a key's answer is what it created|a key is its body's alone/,
  ),
  mutate(
    "creates again for a key that was answered",
    {
      beginIdempotent(turn, key) {
        turn.sql.run("DELETE FROM idempotency WHERE body IS NOT NULL");
        return CORE.beginIdempotent(turn, key);
      },
    },
    /a key creates once|a key is its body's alone/,
  ),
  mutate(
    "hands out a part of a create before D1 has the rest",
    {
      createJobs(turn, account, jobs, admitted, key) {
        const result = CORE.createJobs(turn, account, jobs, admitted, key);
        const first = result.kind === "created" ? Math.min(...result.events) : 0;
        for (const job of jobs) turn.sql.run("UPDATE jobs SET create_event = ? WHERE id = ?", first, job.id);
        return result;
      },
    },
    /a create is handed out as a whole/,
  ),
  mutate(
    "brings counters with a flight that leaves events behind",
    {
      collectFlight(sql, events) {
        const usage = sql.all<UsageRow>(
          `SELECT id AS account_id, version, usage_count, bytes_used, bytes_reserved, pending AS jobs_pending,
             processing AS jobs_processing, completed AS jobs_completed, failed AS jobs_failed, warning AS jobs_warning,
             skipped AS jobs_skipped, ? AS event FROM accounts`,
          events.at(-1)?.id ?? 0,
        );
        return { ...CORE.collectFlight(sql, events), usage };
      },
    },
    /D1's counters are its rows/,
  ),
  mutate(
    "keeps the room of an attempt that was given back",
    {
      releaseAttempt(turn, job) {
        CORE.releaseAttempt(turn, job);
        turn.sql.run(
          "UPDATE accounts SET bytes_reserved = bytes_reserved + ? WHERE id = ?",
          job.bytes_reserved,
          job.account_id,
        );
      },
    },
    /counters are the rows/,
  ),
  mutate(
    "stores beyond the quota",
    {
      complete(turn, job, manifest) {
        const unlimited = "UPDATE accounts SET limits = json_remove(limits, '$.storage_limit_bytes') WHERE id = ?";
        turn.sql.run(unlimited, job.account_id);
        const result = CORE.complete(turn, job, manifest);
        turn.sql.run("UPDATE accounts SET limits = ? WHERE id = ?", limitsOfAccount(job.account_id), job.account_id);
        return result;
      },
    },
    /storage stays within the quota/,
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
    /a stale token changes nothing|a cancelled job never runs|an attempt is its node's alone/,
  ),
];
