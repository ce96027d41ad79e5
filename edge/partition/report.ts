/** What a node reports about a job it holds. Every function here is reached with a token, and a stale one changes nothing. */
import { cleanText } from "../../shared/clean-text.ts";
import { FAILURE_RULES, type FailureClass } from "../../shared/contract/failures.ts";
import { STEPS, type Step } from "../../shared/contract/fleet.ts";
import type { ExtractedInfo, Manifest } from "../../shared/contract/media.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { MAX_DESCRIPTION_LENGTH, MAX_NODE_REASON_LENGTH, MAX_TITLE_LENGTH } from "../../shared/limits.ts";
import { awaySoFar } from "./absence.ts";
import { doomUploads, endFailed, type FailureReport, failAttempt } from "./end.ts";
import { recordEvent } from "./events.ts";
import { type LiveJob, parseReserved, parseSource } from "./job-row.ts";
import { laneOf } from "./lanes.ts";
import { deadlineMs, limitsOf } from "./lease.ts";
import { attemptRow, getJob, moveJob, patchJob } from "./move.ts";
import { reserveName } from "./names.ts";
import { forgetFaults, noteFault } from "./node-faults.ts";
import { reserveEstimate, reserveRoom } from "./quota.ts";
import type { NodeIdentity } from "./sessions.ts";
import { sourceText } from "./source-text.ts";
import { isTerminal, type State, stepProgress } from "./states.ts";
import { type Turn, tokenOf } from "./turn.ts";

export type Claim =
  | { kind: "holder"; job: LiveJob }
  /** This token's report has decided the job already: repeat the answer. */
  | { kind: "decided"; state: State }
  /** Not (or no longer) the holder. */
  | { kind: "stale" }
  /** Not in this partition's memory: D1 may know it. */
  | { kind: "unknown" };

/** Holds a report's token against the job. The first thing every report does. */
export function claim(turn: Turn, who: NodeIdentity, id: string, token: string): Claim {
  const job = getJob(turn, id);
  if (job === undefined) {
    const outcome = turn.sql.get<{ winner: string | null; state: State }>(
      "SELECT winner, state FROM outcomes WHERE job_id = ?",
      id,
    );
    if (outcome === undefined) return { kind: "unknown" };
    return outcome.winner === token ? { kind: "decided", state: outcome.state } : { kind: "stale" };
  }
  if (job.state === "finishing" || isTerminal(job.state)) {
    return job.winner === token ? { kind: "decided", state: job.state } : { kind: "stale" };
  }
  const holds =
    (job.state === "offered" || job.state === "running") &&
    job.node_id === who.node &&
    job.session === who.session &&
    tokenOf(turn, job.attempt) === token;
  return holds ? { kind: "holder", job } : { kind: "stale" };
}

/** The node takes the job, before it touches the source. A repeat is fine. */
export function confirm(turn: Turn, job: LiveJob, who: NodeIdentity): LiveJob {
  if (job.state === "running") return job;
  const started: LiveJob = { ...job, started_at: turn.now, node_name: who.name };
  const away = awaySoFar(turn);
  return moveJob(
    turn,
    job,
    "running",
    {
      step: "extract",
      progress: 0,
      attempts: job.attempts + 1,
      node_name: who.name,
      started_at: turn.now,
      offer_until: null,
      not_before: null,
      deadline_at: turn.now + deadlineMs(turn, job, job.live === 1) - away,
      away_before: away,
      missed: 0,
    },
    { event: "job.started", attempt: attemptRow(turn, started, null) },
  );
}

/** Steps only go forward inside an attempt; a late or repeated report changes nothing. */
export function setStep(turn: Turn, job: LiveJob, step: Step): LiveJob {
  if (job.state !== "running" || STEPS.indexOf(step) <= STEPS.indexOf(job.step ?? "extract")) return job;
  const options = JSON.parse(job.options) as JobOptions;
  const endless = step === "download" && options.max_duration === null && (parseSource(job)?.is_live ?? false);
  const patched = patchJob(turn, job, { step, progress: endless ? null : stepProgress(step, 0) });
  turn.figures.stepped(job.step ?? "extract", step);
  const { enable_progress_webhook } = options;
  if (enable_progress_webhook && job.webhook_url !== null) recordStage(turn, patched, step);
  return patched;
}

/** For the courier alone, which tells each stage once (jobs API 8.1). */
function recordStage(turn: Turn, job: LiveJob, step: Step): void {
  turn.sql.run(
    "INSERT INTO events (id, account_id, job_id, batch_id, type, data, attempt) VALUES (?, ?, ?, ?, '.job.stage', ?, NULL)",
    turn.ids.next(turn.now),
    job.account_id,
    job.id,
    job.batch_id,
    JSON.stringify({ step }),
  );
}

export type ExtractedDecision =
  /** With how long the attempt may run, from its confirm, now that it is known what it is. */
  { kind: "go"; job: LiveJob; deadlineMs: number } | { kind: "stop"; job: LiveJob };

/** The checkpoint between the look-up and the download: limits are checked, the name is reserved. Repeatable. */
export function extracted(turn: Turn, job: LiveJob, info: ExtractedInfo): ExtractedDecision {
  const options = JSON.parse(job.options) as JobOptions;
  const limits = limitsOf(turn, job);
  // A stream's length so far is not the recording's, which ends at the limit by itself.
  const seconds = info.is_live ? 0 : (info.duration_seconds ?? 0);
  const tooLong = limits.max_duration_seconds !== undefined && seconds > limits.max_duration_seconds;
  const tooLarge = limits.max_filesize_bytes !== undefined && (info.size_estimate ?? 0) > limits.max_filesize_bytes;
  if (tooLong || tooLarge) {
    const text = tooLong
      ? `Video exceeds the limit of ${limits.max_duration_seconds} seconds`
      : `File exceeds the limit of ${Math.floor((limits.max_filesize_bytes ?? 0) / 1_048_576)} MB`;
    return { kind: "stop", job: endHere(turn, job, "too_large", text) };
  }
  const room = reserveEstimate(turn, job, info.size_estimate);
  if (room === null) return { kind: "stop", job: endHere(turn, job, "quota", FAILURE_RULES.quota.text) };
  // A bare file calls itself by its file name; the list that it stands in knows better.
  const listed = job.batch_id !== null && info.extractor === "generic" ? job.title : null;
  const title = listed ?? sourceText(info.title, MAX_TITLE_LENGTH);
  // yt-dlp names the files of a job of the library API, and only once it has made them.
  const reserved =
    parseReserved(job) ?? (options.library === undefined ? reserveName(turn, job, options, title) : null);
  const mayTake = deadlineMs(turn, job, info.is_live);
  const live = Number(options.live_recording || info.is_live);
  const patched = patchJob(turn, job, {
    ...room,
    live,
    // For its next hand-out, if there is one.
    lane: live === job.live ? job.lane : laneOf(turn, { ...job, live }),
    // What the edge has missed since the confirm stays put off.
    deadline_at: (job.started_at ?? turn.now) + mayTake - job.away_before,
    title,
    description: sourceText(info.description, MAX_DESCRIPTION_LENGTH),
    release_date: info.release_date,
    source: JSON.stringify(info),
    source_id: info.source_id === null ? null : `${info.extractor} ${info.source_id}`,
    reserved: reserved === null ? null : JSON.stringify(reserved),
  });
  recordEvent(turn, patched, ".job.changed", null);
  return { kind: "go", job: patched, deadlineMs: mayTake };
}

/** A list that cannot be taken: one where a single item was wanted (jobs API 3.4, `never`), or an empty one. */
export function endAsList(
  turn: Turn,
  job: LiveJob,
  text: string,
  failureClass: "list" | "unsupported" = "list",
): LiveJob {
  return endHere(turn, job, failureClass, text);
}

/** The edge itself ends the attempt, and the job with it: no repeat could help. */
function endHere(turn: Turn, job: LiveJob, failureClass: FailureClass, text: string): LiveJob {
  doomUploads(turn, job.id);
  const attempt = attemptRow(turn, job, { outcome: failureClass, error: text });
  return endFailed(turn, job, failureClass, text, {}, attempt);
}

export type CompleteResult =
  | { kind: "finishing"; job: LiveJob }
  /** Its files are more than the account may store: the job has failed. */
  | { kind: "over_quota"; job: LiveJob }
  | { kind: "bad_manifest"; reason: string };

interface UploadRow {
  upload_id: string;
  kind: string;
  language: string | null;
}

/**
 * This attempt has won: from here only the commit, or its failure of class *storage*, moves the job. The manifest may
 * only name uploads that were ticketed to this very token.
 */
export function complete(turn: Turn, job: LiveJob, manifest: Manifest): CompleteResult {
  const token = tokenOf(turn, job.attempt);
  const uploads = new Map(
    turn.sql
      .all<UploadRow>(
        "SELECT upload_id, kind, language FROM uploads WHERE job_id = ? AND token = ? AND doomed_at IS NULL",
        job.id,
        token,
      )
      .map((row) => [row.upload_id, row]),
  );
  if (manifest.files.filter((file) => file.kind === "media").length !== 1) {
    return { kind: "bad_manifest", reason: "exactly one file must be of kind media" };
  }
  for (const file of manifest.files) {
    const upload = uploads.get(file.upload_id);
    if (upload === undefined)
      return { kind: "bad_manifest", reason: `upload ${file.upload_id} is not of this attempt` };
    if (upload.kind !== file.kind || upload.language !== file.language) {
      return { kind: "bad_manifest", reason: `upload ${file.upload_id} was begun for another file` };
    }
    if (file.parts.reduce((sum, part) => sum + part.size, 0) !== file.size) {
      return { kind: "bad_manifest", reason: `the parts of ${file.upload_id} do not add up to its size` };
    }
  }
  const bytes = manifest.files.reduce((sum, file) => sum + file.size, 0);
  const room = reserveRoom(turn, job, bytes);
  if (room === null) return { kind: "over_quota", job: endHere(turn, job, "quota", FAILURE_RULES.quota.text) };
  const moved = moveJob(
    turn,
    job,
    "finishing",
    {
      ...room,
      step: "upload",
      progress: stepProgress("upload", 1),
      winner: token,
      manifest: JSON.stringify(manifest),
      finishing_since: turn.now,
      commit_due: turn.now,
      commit_tries: 0,
      deadline_at: null,
      missed: 0,
    },
    { event: ".job.changed" },
  );
  turn.effects.commit.push(job.id);
  if (job.node_id !== null) forgetFaults(turn, job.node_id, attemptName(turn, job));
  return { kind: "finishing", job: moved };
}

/** No other attempt of the fleet has it: a token alone is one of its job. */
function attemptName(turn: Turn, job: LiveJob): string {
  return `${job.id} ${tokenOf(turn, job.attempt)}`;
}

/** The node gave up on this attempt. Returns the state that the job is in afterwards. */
export function fail(turn: Turn, job: LiveJob, report: FailureReport): LiveJob {
  // An unconfirmed offer has not begun: nothing can have failed yet, so it only goes back.
  if (job.state === "offered") return moveJob(turn, job, "queued", { node_id: null, session: null, offer_until: null });
  if (report.class === "node_fault" && job.node_id !== null) {
    const fault = cleanText(report.message ?? "", { max: MAX_NODE_REASON_LENGTH });
    noteFault(turn, job.node_id, attemptName(turn, job), fault || FAILURE_RULES.node_fault.text);
  }
  return failAttempt(turn, job, report);
}
