/**
 * A list of commands drawn from a seed, run against any `Sql`, and a hash of all that came of it. `node:sqlite` and the
 * storage of a Durable Object must give the same hash: `script-hashes.json` holds them, and both sides assert it.
 */
import { cancelJob } from "../../edge/partition/cancel.ts";
import { Core } from "../../edge/partition/core.ts";
import { createJobs } from "../../edge/partition/create.ts";
import { advanceCursor, collectFlight, nextEvents, readCursor, retire, SINKS } from "../../edge/partition/drain.ts";
import { EventIds } from "../../edge/partition/event-ids.ts";
import { commitFailed, committed, pendingCommit } from "../../edge/partition/finish.ts";
import { leaseJobs } from "../../edge/partition/lease.ts";
import { nextDue, runDue } from "../../edge/partition/reap.ts";
import { claim, complete, confirm, extracted, fail, setStep } from "../../edge/partition/report.ts";
import { openSchema, setMeta } from "../../edge/partition/schema.ts";
import { enterSession, heartbeat, type NodeIdentity, releaseAttempt } from "../../edge/partition/sessions.ts";
import type { Sql } from "../../edge/partition/sql.ts";
import { resolveCore, type Turn } from "../../edge/partition/turn.ts";
import { addUpload, doomedUploads, forgetUpload, uploadPlace } from "../../edge/partition/uploads.ts";
import { FAILURE_CLASSES } from "../../shared/contract/failures.ts";
import { account, id, identity, info, manifest, newJob, START } from "./fixtures.ts";
import { Random } from "./simulation/random.ts";

const COMMANDS_PER_SCRIPT = 400;
const ACCOUNTS = [account("ann"), account("bob", { max_concurrent: 2 })];
const NODES = [identity("n1", { tags: ["region=eu"], country: "DE" }), identity("n2", { country: "FR" })];
const CLASSES = FAILURE_CLASSES.filter((each) => each !== "cancelled");

interface Script {
  random: Random;
  now: number;
  jobs: number;
  sessions: number[];
}

/** Columns that say where a job stands; a new column of the schema does not change the hash. */
const TABLES = [
  `SELECT id, state, step, status, version, attempt, attempts, tries, node_id, session, not_before, offer_until, deadline_at,
     commit_due, avoid, avoid_until, winner, missed, progress, reserved, media_key, file_size, error, error_class,
     finished_at, terminal_event_id FROM jobs ORDER BY id`,
  `SELECT id, version, turn, ready, active, pending, processing, completed, failed, warning, skipped, usage_count, bytes_used
     FROM accounts ORDER BY id`,
  "SELECT id, job_id, type FROM events ORDER BY id DESC LIMIT 5",
  "SELECT folded, stem, suffix, job_id FROM names ORDER BY account_id, target_id, folded",
  "SELECT upload_id, job_id, token, doomed_at FROM uploads ORDER BY upload_id",
  "SELECT node_id, session, state, last_seen, lease_until FROM sessions ORDER BY node_id",
];

/** Runs the seed's commands on an empty store. */
export function runScript(sql: Sql, seed: number): string {
  openSchema(sql);
  setMeta(sql, "epoch", "1");
  const script: Script = { random: new Random(seed), now: START, jobs: 0, sessions: NODES.map(() => 1) };
  let core = new Core("p1:test:0", sql, resolveCore({ maxPerHost: 2 }), 1, new EventIds(0));
  const hash = new Hash();
  for (let step = 0; step < COMMANDS_PER_SCRIPT; step++) {
    script.now += script.random.ms(0, script.random.chance(0.1) ? 40_000 : 2_000);
    // An eviction: whatever the core keeps in memory is read back.
    if (script.random.chance(0.05)) core = new Core(core.name, sql, core.config, 1, EventIds.load(sql));
    const command = drawCommand(script, sql);
    const { result, effects } = core.run(script.now, script.random.unit, command);
    const { kills, commit, abort, ring } = effects;
    hash.add([result, kills, commit, abort, ring, core.run(script.now, script.random.unit, nextDue).result]);
    for (const table of TABLES) hash.add(sql.all(table));
  }
  return hash.text;
}

function who({ random, sessions }: Script): NodeIdentity {
  const index = random.below(NODES.length);
  const node = NODES[index] ?? identity("n1");
  return { ...node, session: (sessions[index] ?? 1) - (random.chance(0.1) ? 1 : 0) };
}

function drawCommand(script: Script, sql: Sql): (turn: Turn) => unknown {
  const { random } = script;
  const draw = random.unit();
  if (draw < 0.12) return create(script);
  if (draw < 0.16) return cancel(script);
  if (draw < 0.34) return drain(sql);
  if (draw < 0.46) return lease(script);
  if (draw < 0.54) return beat(script);
  if (draw < 0.62) return alarm(script);
  if (draw < 0.7) return store(script);
  return report(script);
}

function create(script: Script) {
  const { random } = script;
  const facts = random.pick(ACCOUNTS);
  const number = random.chance(0.1) ? random.below(script.jobs + 1) : ++script.jobs;
  const wish = {
    created_at: script.now,
    priority: random.below(3),
    tags: random.chance(0.2) ? ["region=eu"] : [],
    filename: random.chance(0.3) ? random.pick(["Same", "SAME", "Über"]) : null,
    source_host: random.pick(["one.example", "two.example"]),
    options: { wait_for_video: random.chance(0.2), live_recording: random.chance(0.1) },
  };
  return (turn: Turn) => createJobs(turn, facts, [newJob(id(number), facts.id, wish)]);
}

function cancel({ random, jobs }: Script) {
  const job = id(random.below(jobs + 1));
  const { id: owner } = random.pick(ACCOUNTS);
  const force = random.chance(0.5);
  return (turn: Turn) => cancelJob(turn, owner, job, force);
}

function drain(sql: Sql) {
  return () => {
    const flights = SINKS.map((sink) => {
      const events = nextEvents(sql, sink);
      const flight = collectFlight(sql, events);
      advanceCursor(sql, sink, events.at(-1)?.id ?? 0);
      return [events.length, flight.jobs.length, flight.files.length, flight.attempts.length];
    });
    return [flights, retire(sql, 5)];
  };
}

function lease(script: Script) {
  const node = who(script);
  const slots = { download: script.random.below(4), live: script.random.below(2) };
  const request = `r${script.random.below(20)}-${node.node}-${node.session}`;
  return (turn: Turn) => {
    if (!enterSession(turn, node)) return "fenced";
    return leaseJobs(turn, node, request, slots, readCursor(turn.sql, "d1"));
  };
}

function beat(script: Script) {
  const { random, sessions } = script;
  const index = random.below(NODES.length);
  if (random.chance(0.1)) sessions[index] = (sessions[index] ?? 1) + 1;
  const node = who(script);
  const forgets = random.chance(0.2);
  return (turn: Turn) => {
    if (!enterSession(turn, node)) return "fenced";
    const held = turn.sql.all<{ job: string; token: string }>(
      "SELECT id AS job, '1.' || attempt AS token FROM jobs WHERE node_id = ? AND state IN ('offered', 'running') ORDER BY id",
      node.node,
    );
    const holding = forgets ? held.slice(1) : held;
    return heartbeat(turn, node, { holding, slots: { download: 1, live: 0 }, state: "running", progress: null });
  };
}

function alarm({ random, now }: Script) {
  const presence = { dueAt: now - random.ms(0, 15_000), lastHandledAt: now - random.ms(0, 90_000) };
  return (turn: Turn) => runDue(turn, presence);
}

function store({ random }: Script) {
  const draw = random.unit();
  const fileId = random.below(1_000_000);
  return (turn: Turn) => {
    for (const upload of doomedUploads(turn, 3)) forgetUpload(turn, upload.uploadId);
    const finishing = turn.sql.get<{ id: string }>("SELECT id FROM jobs WHERE state = 'finishing' ORDER BY id LIMIT 1");
    if (finishing === undefined) return null;
    if (draw < 0.1) return commitFailed(turn, finishing.id, { kind: "taken" });
    if (draw < 0.2) return commitFailed(turn, finishing.id, { kind: "unavailable", code: "timeout" });
    if (draw < 0.3) return commitFailed(turn, finishing.id, { kind: "refused", code: "bytes", permanent: draw < 0.23 });
    const files = (pendingCommit(turn, finishing.id)?.files ?? []).map((file) => ({
      uploadId: file.uploadId,
      fileId: id(fileId),
      storeKey: file.storeKey,
      etag: "e",
      sha256: file.sha256 ?? "",
      url: null,
      size: file.size,
    }));
    return committed(turn, finishing.id, files);
  };
}

function report(script: Script) {
  const { random } = script;
  const node = who(script);
  const stale = random.chance(0.1);
  const [draw, failure, title] = [random.unit(), random.pick(CLASSES), random.pick(["One", "one", "Two"])];
  return (turn: Turn) => {
    if (!enterSession(turn, node)) return "fenced";
    const held = turn.sql.get<{ id: string; attempt: number }>(
      "SELECT id, attempt FROM jobs WHERE node_id = ? AND state IN ('offered', 'running') ORDER BY id LIMIT 1",
      node.node,
    );
    if (held === undefined) return null;
    const token = `1.${held.attempt - (stale ? 1 : 0)}`;
    const claimed = claim(turn, node, held.id, token);
    if (claimed.kind !== "holder") return claimed;
    const { job } = claimed;
    if (job.state === "offered") return confirm(turn, job, node);
    if (draw < 0.1) return releaseAttempt(turn, job);
    if (draw < 0.25) return fail(turn, job, { class: failure, message: null, permanent: false, retryAfterMs: null });
    if (draw < 0.35) return setStep(turn, job, "mux");
    const decision = extracted(turn, job, info({ title }));
    const target = uploadPlace(turn, decision.job, "media", null);
    if (draw < 0.5 || target === null) return decision;
    const uploadId = `u-${job.id}-${token}`;
    addUpload(turn, decision.job, { uploadId, token, kind: "media", language: null, partSize: 100 }, target);
    return complete(turn, decision.job, manifest([{ uploadId }]));
  };
}

/** FNV-1a over UTF-16 units, 64 bits as two halves: the same in every runtime, without waiting for `crypto.subtle`. */
class Hash {
  #low = 0x811c9dc5;
  #high = 0xcbf29ce4;

  add(value: unknown): void {
    const text = JSON.stringify(value) ?? "undefined";
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      this.#low = Math.imul(this.#low ^ unit, 0x01000193) >>> 0;
      this.#high = Math.imul(this.#high ^ unit ^ (this.#low & 0xff), 0x01000193) >>> 0;
    }
  }

  get text(): string {
    return [this.#high, this.#low].map((half) => half.toString(16).padStart(8, "0")).join("");
  }
}
