import type { PartitionStats } from "../../partition/stats.ts";
import { adminEndpoint } from "./admin-guard.ts";
import { askAll } from "./ask-partitions.ts";
import { readFleet } from "./fleet-view.ts";

/** `queued` are ready to be handed out; `delayed` wait for a time; `running` are on a node, or being committed. */
interface Figures {
  queued: number;
  delayed: number;
  running: number;
  oldest_queued_age_ms: number | null;
  /** In the totals null while D1, which alone knows the nodes, does not answer. */
  nodes: number | null;
}

const NOTHING: Figures = { queued: 0, delayed: 0, running: 0, oldest_queued_age_ms: null, nodes: 0 };

export const getStats = adminEndpoint(
  "get-stats",
  "GET",
  "/admin/stats",
  "Queue figures of each partition, and their totals",
  async (context) => {
    const [asked, fleet] = await Promise.all([
      askAll(context.env, async (stub) => stub.adminStats()),
      readFleet(context.env),
    ]);
    const partitions = asked.map(({ name, answer }) => ({
      name,
      available: answer !== null,
      ...(answer === null ? NOTHING : figures(answer)),
    }));
    const sum = (pick: (each: Figures) => number) => partitions.reduce((total, each) => total + pick(each), 0);
    const ages = partitions.map((each) => each.oldest_queued_age_ms).filter((age) => age !== null);
    const totals: Figures = {
      queued: sum((each) => each.queued),
      delayed: sum((each) => each.delayed),
      running: sum((each) => each.running),
      oldest_queued_age_ms: ages.length === 0 ? null : Math.max(...ages),
      // A node serves many partitions and counts once.
      nodes: fleet?.online ?? null,
    };
    return context.json({ partitions, totals });
  },
);

function figures({ live, oldestQueuedMs, nodes }: PartitionStats): Figures {
  return {
    queued: live.queued + live.offered,
    delayed: live.delayed,
    running: live.running + live.finishing,
    oldest_queued_age_ms: oldestQueuedMs,
    nodes,
  };
}
