/**
 * What a call reads and writes does not grow with the partition (DESIGN section 9): each call of the core, with a crowd of jobs,
 * accounts and nodes in it, against the same with a few. Counted by the engine, so a statement that walks a table shows
 * whatever its plan is called.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { Calls } from "../../../edge/partition/calls.ts";
import { cancelJob } from "../../../edge/partition/cancel.ts";
import { createJobs } from "../../../edge/partition/create.ts";
import { readCursor, retire } from "../../../edge/partition/drain.ts";
import { committed, pendingCommit } from "../../../edge/partition/finish.ts";
import { beginIdempotent } from "../../../edge/partition/idempotency.ts";
import { leaseJobs } from "../../../edge/partition/lease.ts";
import { getJob } from "../../../edge/partition/move.ts";
import { newestEventOf, readAccountTotals, readJob } from "../../../edge/partition/reads.ts";
import { nextDue, runDue } from "../../../edge/partition/reap.ts";
import { claim, complete, confirm, extracted, fail } from "../../../edge/partition/report.ts";
import { enterSession, heartbeat, releaseAttempt } from "../../../edge/partition/sessions.ts";
import { readStats } from "../../../edge/partition/stats.ts";
import type { Turn } from "../../../edge/partition/turn.ts";
import { addUpload, uploadPlace } from "../../../edge/partition/uploads.ts";
import { account, id, info, manifest, newJob } from "../../partition/fixtures.ts";
import { type Cost, Crowd, type CrowdSize } from "./crowd.ts";

const FEW: CrowdSize = { accounts: 5, jobs: 6, delayed: 2, sessions: 5, lost: 2 };
const MANY: CrowdSize = { accounts: 400, jobs: 50, delayed: 10, sessions: 300, lost: 300 };
/** Deeper trees, and a lease that finds other accounts in turn. */
const SLACK_ROWS = 12;
/** What is looked at up to a bound of its own: so many rows at most, however many there are. */
const BOUNDED: Record<string, number> = {
  // 64 accounts, 9 rows each.
  "a lease of a node that is polite to everyone's site": 600,
  // Beside those, whether it rests, and 64 other nodes that could have a job.
  "a lease of a node that rests from everyone's site": 800,
  "a question": 140,
};

const mustGet = (turn: Turn, job: string) => {
  const row = getJob(turn, job);
  if (row === undefined) throw new Error(`no job ${job}`);
  return row;
};

/** Each call once, in an order in which each finds what it needs. */
function callsOf(crowd: Crowd): Record<string, () => void> {
  const [node, other] = crowd.nodes;
  if (node === undefined || other === undefined) throw new Error("no nodes");
  const got: string[] = [];
  const onJob = (body: (turn: Turn, job: string) => void) => () => crowd.run((turn) => body(turn, got[0] ?? ""));
  const key = { account: "account-1", keyId: "key", key: "k", fingerprint: "f", owner: "o" };
  const lease = (request: string) =>
    crowd.run((turn) => leaseJobs(turn, node, request, { download: 4, live: 1 }, Number.MAX_SAFE_INTEGER));
  return {
    "a create": () => crowd.run((turn) => createJobs(turn, account("account-1"), [newJob(id(900_000), "account-1")])),
    "the take of an idempotency key": () => void crowd.run((turn) => beginIdempotent(turn, key)),
    "a read": () => void readJob(crowd.sql, "account-1", id(900_000)),
    "the totals of a list": () => {
      newestEventOf(crowd.sql, "account-1");
      readAccountTotals(crowd.sql, "account-1");
    },
    "a cancel": () => void crowd.run((turn) => cancelJob(turn, "account-1", id(900_000), false)),
    "a flight to D1": () => crowd.fly(),
    retirement: () => {
      crowd.drain();
      crowd.sql.transaction(() => retire(crowd.sql, 500));
    },
    "a lease": () => void got.push(...lease("r1").map(({ job }) => job)),
    "a repeated lease": () => void lease("r1"),
    "a lease of a node that is polite to everyone's site": () => void lease("r2"),
    "a lease of a node that rests from everyone's site": () => {
      const rests = "INSERT INTO cool_downs (node_id, host, until) VALUES (?, 'media.example', ?)";
      crowd.uncounted((sql) => sql.run(rests, other.node, crowd.now + 60_000));
      const slots = { download: 4, live: 1 };
      crowd.run((turn) => leaseJobs(turn, other, "r3", slots, Number.MAX_SAFE_INTEGER));
    },
    "a question": () => {
      const send = () => false;
      const calls = new Calls({ sql: crowd.sql, now: () => crowd.now, newId: () => "c", send });
      void calls.ask("account-1", { kind: "look", url: "https://media.example/" }, 1, 1, []);
    },
    "a confirm": onJob((turn, job) => {
      const claimed = claim(turn, node, job, "1.1");
      if (claimed.kind === "holder") confirm(turn, claimed.job, node);
    }),
    "a look-up": onJob((turn, job) => void extracted(turn, mustGet(turn, job), info())),
    "a heartbeat": () =>
      crowd.run((turn) => {
        enterSession(turn, node);
        const holding = got.map((job) => ({ job, token: "1.1" }));
        heartbeat(turn, node, { holding, slots: { download: 0, live: 1 }, state: "running", progress: "[]" });
      }),
    "a completion": onJob((turn, job) => {
      const held = mustGet(turn, job);
      const place = uploadPlace(turn, held, "media", null);
      if (place === null) throw new Error("not looked up");
      addUpload(turn, held, { uploadId: "u", token: "1.1", kind: "media", language: null, partSize: 100 }, place);
      complete(turn, held, manifest([{ uploadId: "u" }]));
    }),
    "a commit": onJob((turn, job) => {
      const files = pendingCommit(turn, job)?.files ?? [];
      committed(
        turn,
        job,
        files.map(({ uploadId, storeKey, size }) => ({
          ...{ uploadId, storeKey, size, fileId: "f", etag: "e", sha256: "0".repeat(64), url: null },
        })),
      );
    }),
    "a failure": () => {
      const job = got[1] ?? "";
      crowd.run((turn) => confirm(turn, mustGet(turn, job), node));
      crowd.run((turn) =>
        fail(turn, mustGet(turn, job), { class: "bot", message: null, permanent: false, retryAfterMs: null }),
      );
    },
    "a return": () => crowd.run((turn) => releaseAttempt(turn, mustGet(turn, got[2] ?? ""))),
    "a new session": () => void crowd.run((turn) => enterSession(turn, { ...node, session: 2 })),
    "the alarm, with nothing due": () => alarm(crowd),
    "the alarm, after an absence": () => {
      crowd.now += 3 * 60_000;
      alarm(crowd, 60_000);
    },
    "the first heartbeat after an absence": () => {
      crowd.now += 3 * 60_000;
      crowd.beat(other);
    },
    "a lease while every account runs all it may": () => {
      const none = account("none", { max_concurrent: 0 }).limits;
      crowd.uncounted((sql) => sql.run("UPDATE accounts SET limits = ?", none));
      lease("r4");
    },
    "the figures": () => void readStats(crowd.core, crowd.now),
  };
}

function alarm(crowd: Crowd, late = 0): void {
  crowd.run((turn) => runDue(turn, { lastHandledAt: 0, dueAt: turn.now - late }));
  crowd.run(nextDue);
}

async function costs(size: CrowdSize): Promise<Map<string, Cost>> {
  const stub = env.EVENT_STREAM.getByName(`crowd-${size.accounts}`);
  return runInDurableObject(stub, (_, state) => {
    const crowd = new Crowd(state.storage, size);
    expect(readCursor(crowd.sql, "d1")).toBeGreaterThan(0);
    return new Map(Object.entries(callsOf(crowd)).map(([what, call]) => [what, crowd.costOf(call)]));
  });
}

it("no call of the core reads or writes more with 20,000 jobs of 400 accounts and 300 nodes than with a few", async () => {
  const [few, many] = [await costs(FEW), await costs(MANY)];
  const grown = [...many].filter(
    ([what, { rows }]) => rows > (BOUNDED[what] ?? (few.get(what)?.rows ?? 0) + SLACK_ROWS),
  );
  expect(grown.map(([what, { worst }]) => `${what}: ${worst}`)).toEqual([]);
});
