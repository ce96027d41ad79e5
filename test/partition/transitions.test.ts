import { describe, expect, it } from "vitest";
import { cancelJob } from "../../edge/partition/cancel.ts";
import { commitFailed } from "../../edge/partition/finish.ts";
import { holdJob, startJob } from "../../edge/partition/hold.ts";
import type { LiveJob } from "../../edge/partition/job-row.ts";
import { IllegalMove, moveJob } from "../../edge/partition/move.ts";
import { runDue } from "../../edge/partition/reap.ts";
import { complete, confirm, extracted, fail, setStep } from "../../edge/partition/report.ts";
import { enterSession, releaseAttempt } from "../../edge/partition/sessions.ts";
import { isTerminal, STATES, type State, TRANSITIONS } from "../../edge/partition/states.ts";
import type { Turn } from "../../edge/partition/turn.ts";
import { id, identity, info, manifest } from "./fixtures.ts";
import { Harness, MINUTE } from "./harness.ts";

const JOB = id(1);
const PAIRS = STATES.flatMap((from) => STATES.map((to) => ({ from, to })));

/** Everything that a refused command must leave as it was. */
function snapshot(harness: Harness): unknown {
  return ["jobs", "accounts", "events", "names", "uploads", "outcomes", "files"].map((table) =>
    harness.sql.all(`SELECT * FROM ${table}`),
  );
}

describe("the table of transitions", () => {
  it.each(PAIRS.filter(({ from, to }) => TRANSITIONS[from][to] === undefined))(
    "has no way from $from to $to, and trying changes nothing",
    ({ from, to }) => {
      const harness = new Harness();
      const job = harness.reach(from);
      const before = snapshot(harness);
      expect(() => harness.run((turn) => moveJob(turn, job, to, { title: "changed" }))).toThrow(IllegalMove);
      expect(snapshot(harness)).toEqual(before);
    },
  );

  it.each(PAIRS.filter(({ from, to }) => TRANSITIONS[from][to] !== undefined))(
    "leads from $from to $to with counters, version and at most one event",
    ({ from, to }) => {
      const harness = new Harness();
      const job = harness.reach(from);
      const events = harness.events(JOB).length;
      const moved = harness.run((turn) => moveJob(turn, job, to, {}));
      expect(harness.job(JOB)).toEqual(moved);
      expect(moved).toMatchObject({ state: to, version: job.version + 1 });
      expect(harness.events(JOB).length - events).toBe(isTerminal(to) ? 1 : 0);
      const account = harness.sql.get<Record<string, number>>("SELECT * FROM accounts");
      const counted = ["pending", "processing", "completed", "failed", "warning", "skipped"].map(
        (column) => account?.[column],
      );
      expect(counted.toSorted()).toEqual([0, 0, 0, 0, 0, 1]);
      expect(account?.[moved.status.toLowerCase()]).toBe(1);
      expect(account?.ready).toBe(to === "queued" ? 1 : 0);
      expect(account?.active).toBe(to === "offered" || to === "running" ? 1 : 0);
    },
  );
});

const NODE = identity("n1");
const late = (turn: Turn) => ({ lastHandledAt: turn.now, dueAt: turn.now });

/** A report reaches the core only through `claim`; this is what the desk does. */
function report(body: (turn: Turn, job: LiveJob) => unknown) {
  return (harness: Harness) => {
    const claimed = harness.claim(JOB, harness.token(JOB), NODE);
    if (claimed.kind === "holder") harness.run((turn) => body(turn, claimed.job));
  };
}
const failWith = (failure: Parameters<typeof fail>[2]["class"]) =>
  report((turn, job) => fail(turn, job, { class: failure, message: null, permanent: false, retryAfterMs: null }));
const passTime = (ms: number) => (harness: Harness) => {
  harness.now += ms;
  harness.sql.run("UPDATE sessions SET lease_until = ?, last_seen = ?", harness.now + MINUTE, harness.now);
  harness.run((turn) => runDue(turn, late(turn)));
};

const COMMANDS = {
  lease: (harness: Harness) => harness.lease(),
  confirm: report((turn, job) => confirm(turn, job, NODE)),
  step: report((turn, job) => setStep(turn, job, "mux")),
  extracted: report((turn, job) => job.state === "running" && extracted(turn, job, info())),
  "complete without a file": report((turn, job) => job.state === "running" && complete(turn, job, manifest([]))),
  release: report((turn, job) => releaseAttempt(turn, job)),
  "fail, to be repeated": failWith("network"),
  "fail for good": failWith("removed"),
  cancel: (harness: Harness) => harness.run((turn) => cancelJob(turn, "ann", JOB, false)),
  "forced cancel": (harness: Harness) => harness.run((turn) => cancelJob(turn, "ann", JOB, true)),
  "cancel of a stranger": (harness: Harness) => harness.run((turn) => cancelJob(turn, "bob", JOB, true)),
  pause: (harness: Harness) => harness.run((turn) => holdJob(turn, "ann", JOB)),
  "pause of a stranger": (harness: Harness) => harness.run((turn) => holdJob(turn, "bob", JOB)),
  start: (harness: Harness) => harness.run((turn) => startJob(turn, "ann", JOB)),
  "start of a stranger": (harness: Harness) => harness.run((turn) => startJob(turn, "bob", JOB)),
  "15 s later": passTime(15_000),
  "2 h later": passTime(120 * MINUTE),
  "24 h later": passTime(24 * 60 * MINUTE),
  "a newer session": (harness: Harness) => harness.run((turn) => enterSession(turn, { ...NODE, session: 2 })),
  committed: (harness: Harness) => harness.committed(JOB),
  "store unavailable": (harness: Harness) =>
    harness.run((turn) => commitFailed(turn, JOB, { kind: "unavailable", code: "x" })),
  "store refuses": (harness: Harness) =>
    harness.run((turn) => commitFailed(turn, JOB, { kind: "refused", code: "x", permanent: false })),
  "store refuses for good": (harness: Harness) =>
    harness.run((turn) => commitFailed(turn, JOB, { kind: "refused", code: "x", permanent: true })),
  "name taken": (harness: Harness) => harness.run((turn) => commitFailed(turn, JOB, { kind: "taken" })),
};
type Command = keyof typeof COMMANDS;

/** Where each command leads; what is not named here changes no state. */
const EXPECTED: Record<State, Partial<Record<Command, State>>> = {
  held: { start: "queued", cancel: "cancelled", "forced cancel": "cancelled" },
  queued: { lease: "offered", pause: "held", cancel: "cancelled", "forced cancel": "cancelled" },
  offered: {
    confirm: "running",
    pause: "held",
    release: "queued",
    "fail, to be repeated": "queued",
    "fail for good": "queued",
    cancel: "cancelled",
    "forced cancel": "cancelled",
    "15 s later": "queued",
    "2 h later": "queued",
    "24 h later": "queued",
    "a newer session": "queued",
  },
  delayed: {
    pause: "held",
    cancel: "cancelled",
    "forced cancel": "cancelled",
    "15 s later": "queued",
    "2 h later": "queued",
    "24 h later": "queued",
  },
  waiting: {
    cancel: "cancelled",
    "forced cancel": "cancelled",
    "2 h later": "queued",
    "24 h later": "warning",
  },
  running: {
    release: "queued",
    "fail, to be repeated": "delayed",
    "fail for good": "warning",
    "forced cancel": "cancelled",
    "2 h later": "delayed",
    "24 h later": "delayed",
    "a newer session": "delayed",
  },
  finishing: {
    committed: "completed",
    "store refuses": "delayed",
    "store refuses for good": "failed",
    "name taken": "delayed",
  },
  parent: { "forced cancel": "cancelled" },
  completed: {},
  failed: {},
  warning: {},
  skipped: {},
  cancelled: {},
};

describe("a job that is", () => {
  const cases = STATES.flatMap((state) =>
    (Object.keys(COMMANDS) as Command[]).map((command) => ({ state, command, to: EXPECTED[state][command] ?? state })),
  );
  it.each(cases)("$state is $to after: $command", ({ state, command, to }) => {
    const harness = new Harness();
    harness.reach(state);
    const before = snapshot(harness);
    COMMANDS[command](harness);
    expect(harness.job(JOB).state).toBe(to);
    if (isTerminal(state)) expect(snapshot(harness)).toEqual(before);
  });
});
