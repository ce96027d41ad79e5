/** Nodes as the operator sees them: the rows of D1, and what each partition knows of their sessions. */
import { type NodeVersions, type SlotClass, Slots } from "../../../shared/contract/fleet.ts";
import { type ListedNode, listNodes } from "../../db/nodes.ts";
import type { Env } from "../../env.ts";
import type { NodePresence } from "../../partition/node-presence.ts";
import { quietReason } from "../fleet/quiet-reason.ts";
import { type Asked, askAll, askDatabase } from "./ask-partitions.ts";

/**
 * `running`: takes work. `quiet`: drained, by the operator or by itself; finishes what it has. `quarantined`: it has
 * reported too many faults of its own, and waits for the operator, whether it is there or not. `offline`: no partition has
 * heard of it for a whole lease.
 */
export type NodeState = "running" | "quiet" | "quarantined" | "offline";
export const NODE_STATES: readonly NodeState[] = ["running", "quiet", "quarantined", "offline"];

export interface NodeView {
  id: string;
  name: string;
  state: NodeState;
  /** Why it gets or takes no work; null when nothing is known to stand against it. */
  reason: string | null;
  slots: unknown;
  running: number;
  tags: string[];
  versions: Partial<NodeVersions>;
  last_seen: number | null;
  cool_downs: { host: string; until: number }[];
}

export interface Fleet {
  nodes: NodeView[];
  /** How many of them some partition has heard within a lease, whatever they do. */
  online: number;
  /** Partitions that did not answer: what they know of the nodes is not in it. */
  unavailable: string[];
}

/** Null: D1 did not answer, and nobody else knows the nodes. */
export async function readFleet(env: Env): Promise<Fleet | null> {
  const [nodes, asked] = await Promise.all([askDatabase(listNodes(env.DB)).catch(() => null), askPresence(env)]);
  if (nodes === null) return null;
  const presence = Map.groupBy(
    asked.flatMap((partition) => partition.answer ?? []),
    (each) => each.node,
  );
  return {
    nodes: nodes.map((node) => nodeView(node, presence.get(node.id) ?? [], env)),
    online: nodes.filter(({ id }) => isOnline(presence.get(id) ?? [])).length,
    unavailable: asked.filter(({ answer }) => answer === null).map(({ name }) => name),
  };
}

export async function readNode(env: Env, node: ListedNode): Promise<NodeView> {
  const asked = await askPresence(env, node.id);
  // A partition of the release before answers with all of them.
  const here = asked.flatMap((partition) => partition.answer ?? []).filter((each) => each.node === node.id);
  return nodeView(node, here, env);
}

/** @param node that one alone. */
function askPresence(env: Env, node?: string): Promise<Asked<NodePresence[]>[]> {
  return askAll(env, async (stub) => stub.adminNodes(node));
}

function nodeView(node: ListedNode, presence: readonly NodePresence[], env: Env): NodeView {
  const versions = JSON.parse(node.versions) as Partial<NodeVersions>;
  return {
    id: node.id,
    name: node.name,
    state: stateOf(node, presence),
    reason: reasonOf(node, presence, versions, env),
    slots: JSON.parse(node.slots) as unknown,
    running: presence.reduce((sum, each) => sum + each.running, 0),
    tags: JSON.parse(node.tags) as string[],
    versions,
    last_seen: presence.reduce<number | null>(
      (latest, each) => Math.max(latest ?? 0, each.last_seen),
      node.last_session_at,
    ),
    cool_downs: coolDowns(presence),
  };
}

function stateOf(node: ListedNode, presence: readonly NodePresence[]): NodeState {
  if (quarantineOf(node, presence) !== null) return "quarantined";
  if (!isOnline(presence)) return "offline";
  return node.drained_at === null && presence.some((each) => each.state === "running") ? "running" : "quiet";
}

function reasonOf(
  node: ListedNode,
  presence: readonly NodePresence[],
  versions: Partial<NodeVersions>,
  env: Env,
): string | null {
  const quarantine = quarantineOf(node, presence);
  if (quarantine !== null) return quarantine;
  if (node.drained_at !== null) return "drained by the operator";
  // Before its first session nothing is known of its tools.
  const tools = versions.ytdlp === undefined ? null : quietReason(versions, env);
  return tools ?? presence.find((each) => each.reason !== null && each.state === "quiet")?.reason ?? null;
}

function isOnline(presence: readonly NodePresence[]): boolean {
  return presence.some((each) => each.state !== "lost");
}

/** D1 has it for the whole fleet; a partition may know it a moment earlier, and while D1 takes nothing in. */
function quarantineOf(node: ListedNode, presence: readonly NodePresence[]): string | null {
  return node.quarantine ?? presence.find((each) => each.quarantine !== null)?.quarantine ?? null;
}

/** Each host once: it rests until the last partition's time is over. */
function coolDowns(presence: readonly NodePresence[]): NodeView["cool_downs"] {
  const until = new Map<string, number>();
  for (const rest of presence.flatMap((each) => each.cool_downs)) {
    until.set(rest.host, Math.max(until.get(rest.host) ?? 0, rest.until));
  }
  return [...until].map(([host, time]) => ({ host, until: time }));
}

/** Slots of one class of the nodes that take work. */
export function slotsOnline(nodes: readonly NodeView[], slot: SlotClass): number {
  return nodes
    .filter((node) => node.state === "running")
    .reduce((sum, node) => sum + (Slots.safeParse(node.slots).data?.[slot] ?? 0), 0);
}
