// Exit 0 if what runs in this container works: the edge answers, or the node's metrics do and the edge has heard of it lately.
// Plain JavaScript without packages, as it is started every half minute.
const EDGE = `http://127.0.0.1:${process.env.TRAWL_PORT || 8787}/health`;
/** The port that docs/operations/container.md tells nodes to take, or another one as the argument. */
const METRICS = `http://127.0.0.1:${process.argv[2] || 9464}/metrics`;
/** Two leases: a node that was not heard for one has lost its jobs, and may be on its way back. */
const MAX_SILENCE_SECONDS = 120;

const ask = async (url) => {
  const answer = await fetch(url, { signal: AbortSignal.timeout(3_000) }).catch(() => null);
  return answer?.ok ? answer.text() : null;
};

const metrics = await ask(METRICS);
const silence = /^trawl_node_heartbeat_age_seconds (\S+)$/m.exec(metrics ?? "")?.[1];
const nodeWorks = silence !== undefined && Number(silence) < MAX_SILENCE_SECONDS;
process.exitCode = nodeWorks || (await ask(EDGE)) !== null ? 0 : 1;
