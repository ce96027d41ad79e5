/** One hand-out from offer to report: confirm, look, download, convert, upload, complete. */
import { join } from "node:path";
import type { Dispatcher } from "undici";
import type {
  ConfirmAnswer,
  Held,
  LeasedJob,
  ProgressEntry,
  SlotClass,
  Step,
  Ticket,
} from "../../shared/contract/fleet.ts";
import type { ManifestFile, Telemetry } from "../../shared/contract/media.ts";
import type { JobOptions } from "../../shared/contract/options.ts";
import { LIVE_DEADLINE_EXTRA_MS, MAX_STARTS_IN_SECONDS } from "../../shared/limits.ts";
import { parseTraceparent } from "../../shared/trace-context.ts";
import type { EgressAttempt, EgressProxy } from "../egress/proxy.ts";
import { isFinal, isLost } from "../fleet/fleet-error.ts";
import type { Log } from "../log.ts";
import { writeCookies } from "../media/cookies.ts";
import { classifyError } from "../media/failures.ts";
import { userProxy } from "../media/library/user-proxy.ts";
import {
  extractMedia,
  type MediaDeps,
  MediaFailure,
  type MediaRequest,
  type Produced,
  produceMedia,
  type StepProgress,
} from "../media/run-attempt.ts";
import type { AttemptOutcome, NodeFigures } from "../metrics/figures.ts";
import { makeFolder, type ToolUsers } from "../process/confine.ts";
import { recordGroups, removeAttempt } from "../process/leftovers.ts";
import { type Uploaded, uploadFile } from "../upload/upload-file.ts";
import type { AttemptCalls } from "./attempt-calls.ts";
import type { AwakeClock } from "./awake.ts";

export interface AttemptDeps {
  link: AttemptCalls;
  media: MediaDeps;
  egress: EgressProxy;
  /** Connects to storage that clients named, through the guard. Defaults to plain connections. */
  storage?: Dispatcher | undefined;
  /** Folder of the disk store on this machine. Defaults to none: every file is sent. */
  handOverDir?: string | undefined;
  /** Folder of all attempts. */
  workRoot: string;
  /** Gives each attempt's tools a uid of their own; without it they have the node's. */
  users?: ToolUsers | undefined;
  log: Log;
  figures: NodeFigures;
  /** An attempt that turned out to be live asks for a slot of that class; false: all of them are taken. */
  takeLiveSlot(): boolean;
  /** What an attempt may take is counted by it: an hour asleep is no part of that. */
  awake: AwakeClock;
  /** The node has too little disk for any job, this one's folder gone. */
  diskIsLow(): Promise<boolean>;
}

/** Why an attempt was ended from outside. */
export type EndReason = "lost" | "drained";

/** Reason of an abort that must not be reported as a failure: the edge knows already, or is told by a release. */
class Ended extends Error {
  override readonly name = "Ended";
  readonly why: EndReason;
  constructor(why: EndReason) {
    super(why);
    this.why = why;
  }
}

/** What the edge said at the end, and what that counts as. */
interface WorkEnd {
  outcome: string;
  counted: AttemptOutcome;
}

/** A recording ends by itself this share of a short deadline before it, so that what it has can still be delivered. */
const RECORDING_RESERVE_SHARE = 1 / 4;

export class Attempt {
  readonly held: Held;
  #slot: SlotClass;
  readonly #job: LeasedJob;
  readonly #deps: AttemptDeps;
  readonly #abort = new AbortController();
  /** Ends a live recording, not the attempt. */
  readonly #enough = new AbortController();
  /** By the awake clock. */
  #confirmedAt = 0;
  #timers: (() => void)[] = [];
  #live = false;
  #step: Step = "extract";
  #progress: StepProgress | null = null;
  #reported: string | null = null;
  /** Step reports in order; none of them holds up the work. */
  #steps: Promise<unknown> = Promise.resolve();

  constructor(job: LeasedJob, deps: AttemptDeps) {
    this.#job = job;
    this.#deps = deps;
    this.held = { job: job.job, token: job.token };
    this.#slot = job.slot ?? "download";
  }

  /** Which slot it takes now. */
  get slot(): SlotClass {
    return this.#slot;
  }

  /** What it records it delivers as it is now; an attempt that records nothing goes on. */
  endRecording(): void {
    this.#enough.abort();
  }

  /** Ends it: its processes are killed, nothing more is published. */
  end(why: EndReason): void {
    this.#abort.abort(new Ended(why));
  }

  /** For the next frame; null when nothing is new. */
  takeProgress(): ProgressEntry | null {
    const progress = this.#progress;
    if (progress === null) return null;
    const entry: ProgressEntry = {
      ...this.held,
      step: this.#step,
      fraction: progress.fraction === null ? null : Math.min(1, Math.max(0, progress.fraction)),
      eta_seconds: whole(progress.eta_seconds),
      speed_bytes_per_second: whole(progress.speed_bytes_per_second),
      ...(progress.postprocessor === undefined ? {} : { postprocessor: progress.postprocessor }),
    };
    const text = JSON.stringify(entry);
    if (text === this.#reported) return null;
    this.#reported = text;
    return entry;
  }

  /** Runs to the end and reports it. Never throws; when it returns, no process and no file of it is left. */
  async run(): Promise<void> {
    const { log, egress, workRoot, figures } = this.#deps;
    const ids = this.#ids;
    const dir = join(workRoot, `${this.held.job}.${this.held.token}`);
    let way: EgressAttempt | null = null;
    try {
      const { cookies, args } = await this.#confirm();
      this.#confirmedAt = this.#deps.awake.ms();
      this.#endAfter(this.#job.deadline_ms);
      await makeFolder(dir, this.#deps.users ?? null).catch((error: unknown) => {
        log("error", "attempt.no_folder", { ...ids, error: String(error) });
        throw new MediaFailure("node_fault", "The worker node cannot write to its work folder");
      });
      log("info", "attempt.started", ids);
      const options = withArguments(this.#job.options, args);
      const through = options.library === undefined ? null : userProxy(options.library.args);
      way = egress.openAttempt(`${this.held.job}.${this.held.token}`, through);
      const cookiesFile = cookies === undefined ? undefined : await writeCookies(dir, cookies);
      const { outcome, counted } = await this.#work(dir, way, cookiesFile, options);
      figures.attemptEnded(counted);
      log("info", "attempt.ended", { ...ids, outcome });
    } catch (error) {
      await this.#report(error, dir);
    } finally {
      this.#clearTimers();
      way?.close();
      await removeAttempt(dir).catch((error: unknown) =>
        log("error", "attempt.not_removed", { ...ids, error: String(error) }),
      );
    }
  }

  async #confirm(): Promise<ConfirmAnswer> {
    // After this the offer has ended anyway; a later confirm would hear `lease_lost`.
    const within = AbortSignal.any([this.#signal, AbortSignal.timeout(this.#job.confirm_within_ms)]);
    try {
      return await this.#deps.link.confirm(this.held, within);
    } catch (error) {
      // Given back, it costs the job no try; left alone, it would end as lost if the edge did take the confirm.
      throw within.aborted ? new Ended("drained") : error;
    }
  }

  async #work(
    dir: string,
    { proxyUrl, direct, refusals }: EgressAttempt,
    cookiesFile: string | undefined,
    options: JobOptions,
  ): Promise<WorkEnd> {
    const { link, media } = this.#deps;
    const request: MediaRequest = {
      url: this.#job.url,
      options,
      dir,
      proxyUrl,
      cookiesFile,
      direct,
      refusals,
      maxFilesizeBytes: this.#job.max_filesize_bytes,
      maxDurationSeconds: this.#job.max_duration_seconds,
      groups: recordGroups(dir, this.held.job, this.held.token),
      endRecording: this.#enough.signal,
    };
    const found = await extractMedia(request, media, this.#signal);
    if (found.kind === "list") {
      const { title, entries, truncated } = found;
      const answer = await link.extracted(this.held, { kind: "list", title, entries, truncated }, this.#signal);
      return { outcome: answer.decision, counted: answer.decision === "expanded" ? "expanded" : "stopped" };
    }
    const answer = await link.extracted(this.held, { kind: "single", info: found.info }, this.#signal);
    if (answer.decision !== "go") return { outcome: answer.decision, counted: "stopped" };
    if (found.info.is_live) this.#becomeLive();
    if (answer.deadline_ms !== undefined) this.#endAfter(answer.deadline_ms);
    const produced = await produceMedia(
      request,
      found.source,
      media,
      {
        onStep: (step) => this.#enter(step),
        onProgress: (progress) => this.#onProgress(progress),
        onNote: (note, fields) => this.#deps.log("info", note, { ...this.#ids, ...fields }),
      },
      this.#signal,
    );
    this.#enter("upload");
    const { files, telemetry } = await this.#upload(produced, answer.tickets);
    await this.#steps;
    await link.inTouch(this.#signal);
    const manifest = {
      files,
      telemetry: { ...telemetry, extract_duration_ms: found.info.extract_duration_ms },
      effective: produced.effective,
    };
    const { state } = await link.complete(this.held, manifest, this.#signal);
    return { outcome: state, counted: "delivered" };
  }

  /**
   * The edge knows by now that the job is live: where no slot of that class is free here, it is given back and waits for
   * one, without a try. Going on would block a download's slot for hours, or let a node record any number of streams.
   */
  #becomeLive(): void {
    this.#live = true;
    if (this.#slot === "live") return;
    if (!this.#deps.takeLiveSlot()) throw new Ended("drained");
    this.#slot = "live";
  }

  /** Counted from the confirm. A recording ends before that, in time to be delivered. */
  #endAfter(deadlineMs: number): void {
    this.#clearTimers();
    const { awake } = this.#deps;
    const left = deadlineMs - (awake.ms() - this.#confirmedAt);
    const reserve = Math.min(LIVE_DEADLINE_EXTRA_MS, deadlineMs * RECORDING_RESERVE_SHARE);
    this.#timers = [
      awake.after(left, () => this.#abort.abort(new MediaFailure("timeout"))),
      awake.after(left - reserve, () => this.endRecording()),
    ];
  }

  #clearTimers(): void {
    for (const callOff of this.#timers.splice(0)) callOff();
  }

  async #upload(produced: Produced, tickets: Ticket[]): Promise<{ files: ManifestFile[]; telemetry: Telemetry }> {
    const began = performance.now();
    const total = produced.files.reduce((sum, file) => sum + file.size, 0);
    let sent = 0;
    const uploaded: Uploaded[] = [];
    for (const file of produced.files) {
      const { kind, language, name } = file;
      const request = { kind, language, size: file.size, ...(name === undefined ? {} : { name }) };
      // The tickets of the look know no names.
      const ready = name === undefined ? tickets : [];
      const ticket =
        ready.find((each) => each.kind === kind && each.language === language) ??
        (await this.#deps.link.ticket(this.held, { ...request, upload_id: null, from_part: 1 }, this.#signal)).ticket;
      uploaded.push(
        await uploadFile({
          file,
          ticket,
          renew: async (fromPart) => {
            const asked = { ...request, upload_id: ticket.upload_id, from_part: fromPart };
            return (await this.#deps.link.ticket(this.held, asked, this.#signal)).ticket;
          },
          inTouch: () => this.#deps.link.inTouch(this.#signal),
          onBytes: (bytes) => {
            sent += bytes;
            this.#deps.figures.uploaded(bytes);
            this.#onProgress(uploadProgress(sent, total, began));
          },
          handOverDir: this.#deps.handOverDir,
          guarded: this.#deps.storage,
          signal: this.#signal,
        }),
      );
    }
    const tookMs = performance.now() - began;
    return {
      files: uploaded.map((each) => each.entry),
      telemetry: {
        ...produced.telemetry,
        upload_duration_ms: Math.round(tookMs),
        upload_wait_ms: 0,
        upload_speed_mbps: tookMs === 0 ? null : Math.round(total / tookMs / 100) / 10,
        upload_retries: uploaded.reduce((sum, each) => sum + each.retries, 0),
      },
    };
  }

  #enter(step: Step): void {
    if (step === this.#step) return;
    this.#step = step;
    // How far a stream is nobody knows, unless the recording tells.
    const fraction = this.#live && step === "download" ? null : 0;
    this.#progress = { fraction, bytes: null, total_bytes: null, speed_bytes_per_second: null, eta_seconds: null };
    // A lost step is no loss: the next one, or the completion, carries the job on. A stale one ends the attempt.
    this.#steps = this.#steps
      .then(() => this.#deps.link.step(this.held, step, this.#signal))
      .catch((error: unknown) => {
        if (isLost(error) || isFinal(error)) this.end("lost");
      });
  }

  #onProgress(progress: StepProgress): void {
    this.#progress = progress;
  }

  /** What the edge hears of an attempt that did not complete. */
  async #report(error: unknown, dir: string): Promise<void> {
    const { log, link, figures } = this.#deps;
    const ids = this.#ids;
    const reason = this.#signal.aborted ? this.#signal.reason : error;
    if (isLost(error) || isFinal(error) || (reason instanceof Ended && reason.why === "lost")) {
      figures.attemptEnded("lost");
      log("info", "attempt.lost", ids);
      return;
    }
    // The work is over, so nothing but the process's own end may stop the report.
    const unending = new AbortController().signal;
    try {
      if (reason instanceof Ended) {
        // Unconfirmed too: the edge may have taken a confirm whose answer we never heard.
        figures.attemptEnded("released");
        await link.release(this.held, unending);
        log("info", "attempt.released", ids);
        return;
      }
      const failure = await this.#whoseFault(classifyError(reason), dir);
      figures.attemptEnded("failed", failure.class);
      log("warn", "attempt.failed", { ...ids, class: failure.class, message: failure.message });
      await link.fail(
        this.held,
        {
          class: failure.class,
          message: failure.message,
          retry_after_seconds: whole(failure.retryAfterSeconds),
          permanent: failure.permanent,
          ...startsIn(failure),
        },
        unending,
      );
    } catch (problem) {
      // The edge has moved on: the lease of this attempt ended while we tried to report it.
      log("warn", "attempt.not_reported", { ...ids, error: String(problem) });
    }
  }

  /** A full disk is this job's doing only if there is room once its files are gone. */
  async #whoseFault(failure: MediaFailure, dir: string): Promise<MediaFailure> {
    if (failure.class !== "disk") return failure;
    await removeAttempt(dir).catch(() => {});
    return (await this.#deps.diskIsLow()) ? new MediaFailure("node_fault", failure.message) : failure;
  }

  get #ids() {
    const trace = parseTraceparent(this.#job.traceparent)?.traceId;
    return { job: this.held.job, attempt: this.held.token, ...(trace === undefined ? {} : { trace }) };
  }

  get #signal(): AbortSignal {
    return this.#abort.signal;
  }
}

function startsIn({ startsInSeconds }: MediaFailure): { starts_in_seconds?: number } {
  const seconds = whole(startsInSeconds);
  return seconds === null ? {} : { starts_in_seconds: Math.min(seconds, MAX_STARTS_IN_SECONDS) };
}

function whole(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.max(0, Math.round(value));
}

function uploadProgress(sent: number, total: number, began: number): StepProgress {
  const seconds = (performance.now() - began) / 1000;
  const speed = seconds > 0 ? sent / seconds : null;
  return {
    fraction: total === 0 ? 1 : sent / total,
    bytes: sent,
    total_bytes: total,
    speed_bytes_per_second: speed,
    eta_seconds: speed === null || speed === 0 ? null : (total - sent) / speed,
  };
}

/** What a lease does not tell, because it may hold passwords. */
function withArguments({ library, ...options }: JobOptions, args: string[] | undefined): JobOptions {
  return library === undefined ? options : { ...options, library: { ...library, args: args ?? library.args } };
}
