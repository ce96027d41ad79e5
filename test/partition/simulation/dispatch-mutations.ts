/** Cores that break what nodes and clients may rely on: who gets which job, who hears what, who is let in. */
import { getJob, patchJob } from "../../../edge/partition/move.ts";
import { isTerminal } from "../../../edge/partition/states.ts";
import { CORE } from "./core-api.ts";
import { type Mutation, mutate } from "./mutation.ts";

export const DISPATCH_MUTATIONS: readonly Mutation[] = [
  mutate(
    "renews half a lease by a heartbeat",
    {
      heartbeat(turn, who, beat) {
        const kill = CORE.heartbeat(turn, who, beat);
        const until = turn.now + turn.config.leaseTtlMs / 2;
        turn.sql.run("UPDATE sessions SET lease_until = ? WHERE node_id = ?", until, who.node);
        return kill;
      },
    },
    /a heartbeat renews the lease/,
  ),
  mutate(
    "takes back what one heartbeat lacks",
    {
      heartbeat(turn, who, beat) {
        turn.sql.run("UPDATE jobs SET missed = 1 WHERE node_id = ? AND state = 'running'", who.node);
        return CORE.heartbeat(turn, who, beat);
      },
    },
    /what two heartbeats lack goes back|a lease that runs loses nothing/,
  ),
  mutate(
    "lets an older session in",
    {
      enterSession(turn, who) {
        const known = turn.sql.get<{ n: number }>("SELECT session AS n FROM sessions WHERE node_id = ?", who.node);
        return CORE.enterSession(turn, { ...who, session: Math.max(who.session, known?.n ?? 0) });
      },
    },
    /an older session is fenced/,
  ),
  mutate(
    "asks no node for the tags of a job",
    { leaseJobs: (turn, who, ...rest) => CORE.leaseJobs(turn, { ...who, tags: ["region=eu"] }, ...rest) },
    /a node has the job's tags/,
  ),
  mutate(
    "lets a node of one account serve the others",
    { leaseJobs: (turn, who, ...rest) => CORE.leaseJobs(turn, { ...who, account: null }, ...rest) },
    /a node serves the account|a lease leaves nothing that the node may have/,
  ),
  mutate(
    "takes the least urgent job first",
    {
      leaseJobs(turn, ...rest) {
        turn.sql.run("UPDATE jobs SET priority = -priority");
        const jobs = CORE.leaseJobs(turn, ...rest);
        turn.sql.run("UPDATE jobs SET priority = -priority");
        return jobs;
      },
    },
    /by priority, then age/,
  ),
  mutate(
    "serves accounts by their names",
    {
      leaseJobs(turn, ...rest) {
        turn.sql.run("UPDATE accounts SET turn = 0");
        return CORE.leaseJobs(turn, ...rest);
      },
    },
    /accounts take turns/,
  ),
  mutate(
    "keeps a slot of each node free",
    {
      leaseJobs: (turn, who, request, { download, live }, cursor) =>
        CORE.leaseJobs(turn, who, request, { download: Math.max(0, download - 1), live }, cursor),
    },
    /a lease leaves nothing that the node may have/,
  ),
  mutate(
    "takes a repeated request for another one",
    {
      leaseJobs: (turn, who, request, ...rest) => CORE.leaseJobs(turn, who, `${request} at ${turn.now}`, ...rest),
    },
    /a repeated request gets the same jobs/,
  ),
  mutate(
    "forgets which node has failed a job",
    {
      fail(turn, job, report) {
        const after = CORE.fail(turn, job, report);
        if (!isTerminal(after.state))
          turn.sql.run("UPDATE jobs SET avoid = NULL, avoid_until = NULL WHERE id = ?", job.id);
        return after;
      },
    },
    /after a failure another node comes first|who must not have a job again has it not/,
  ),
  mutate(
    "admits one job more than may wait",
    {
      createJobs: (turn, account, jobs, ...rest) => {
        const { max_queued: most, ...limits } = JSON.parse(account.limits) as { max_queued?: number };
        const wider = most === undefined ? limits : { ...limits, max_queued: most + 1 };
        const config = { ...turn.config, maxPending: turn.config.maxPending + 1, maxReady: turn.config.maxReady + 1 };
        return CORE.createJobs({ ...turn, config }, { ...account, limits: JSON.stringify(wider) }, jobs, ...rest);
      },
    },
    /a create is let in iff there is room/,
  ),
  mutate(
    "lets any account cancel a job",
    {
      cancelJob: (turn, account, id, force) => CORE.cancelJob(turn, getJob(turn, id)?.account_id ?? account, id, force),
    },
    /an account's jobs are its own/,
  ),
  mutate(
    "takes another body for the same request",
    {
      beginIdempotent(turn, key) {
        turn.sql.run("UPDATE idempotency SET fingerprint = ? WHERE key = ?", key.fingerprint, key.key);
        return CORE.beginIdempotent(turn, key);
      },
    },
    /a key is its body's alone/,
  ),
  mutate(
    "takes any node for the holder",
    {
      claim(turn, who, id, token) {
        const job = getJob(turn, id);
        return CORE.claim(
          turn,
          { ...who, node: job?.node_id ?? who.node, session: job?.session ?? who.session },
          id,
          token,
        );
      },
    },
    /an attempt is its node's alone/,
  ),
  mutate(
    "tells no node what to kill",
    {
      heartbeat(turn, who, beat) {
        CORE.heartbeat(turn, who, beat);
        return [];
      },
    },
    /a heartbeat hears what to kill/,
  ),
  mutate(
    "takes the time that the edge slept from the attempts",
    {
      runDue: (turn, { lastHandledAt, dueAt }) => CORE.runDue(turn, { lastHandledAt, dueAt }),
    },
    /an attempt has its time/,
  ),
  mutate(
    "lets a drained node count as working",
    {
      takeStanding(turn, standing) {
        CORE.takeStanding(turn, standing);
        turn.sql.run("UPDATE sessions SET state = 'running' WHERE node_id = ?", standing.node);
      },
    },
    /a node that is told to rest counts as quiet/,
  ),
  mutate(
    "tells no node that its job was cancelled",
    {
      cancelJob(turn, ...rest) {
        const result = CORE.cancelJob(turn, ...rest);
        turn.effects.kills.length = 0;
        return result;
      },
    },
    /whoever loses an attempt is told/,
  ),
  mutate(
    "repeats what no repeat can help",
    { fail: (turn, job, report) => CORE.fail(turn, job, { ...report, permanent: false }) },
    /what no repeat can help is not repeated/,
  ),
  mutate(
    "lets a late report turn a step back",
    { setStep: (turn, job, step) => patchJob(turn, job, { step }) },
    /steps go forward|figures are the rows/,
  ),
];
