/**
 * When a node gets no work, and when it does again. The operator drains and resumes it. It may report faults of its own,
 * too (class `node_fault`: a tool is missing, its disk is full): the job goes to another node, and one that reports three
 * in a row, in whichever partitions, is in quarantine until the operator resumes it. D1 counts; what happens here is noted
 * for it (`node-notes.ts`), and counts here at once, so that a D1 that is away holds no quarantine up.
 */
import { MAX_NODE_FAULTS } from "../../shared/limits.ts";
import { quarantineReason } from "../db/node-faults.ts";
import {
  type NodeStanding,
  orderDrain,
  orderFault,
  orderNoFaults,
  orderQuarantine,
  orderStanding,
  ordersFor,
} from "./node-orders.ts";
import type { Turn } from "./turn.ts";

/**
 * @param attempt names the attempt in the whole fleet, so that D1 counts it once.
 * @param fault cleaned: it is a stranger's text.
 */
export function noteFault(turn: Turn, node: string, attempt: string, fault: string): void {
  orderFault(turn.sql, node);
  note(turn, node, attempt, fault);
  const { faults } = ordersFor(turn.sql, node);
  if (faults < MAX_NODE_FAULTS) return;
  orderQuarantine(turn.sql, node, quarantineReason(faults, fault));
  takeWork(turn, node, false);
}

/**
 * It has delivered: whatever it was has passed. What a source refuses says nothing of its node. Nothing is written for a
 * node without faults, which is nearly every one.
 */
export function forgetFaults(turn: Turn, node: string, attempt: string): void {
  if (ordersFor(turn.sql, node).faults === 0) return;
  orderNoFaults(turn.sql, node);
  note(turn, node, attempt, null);
}

function note(turn: Turn, node: string, attempt: string, fault: string | null): void {
  turn.sql.run(
    "INSERT INTO node_notes (node_id, attempt, fault, at) VALUES (?, ?, ?, ?)",
    node,
    attempt,
    fault,
    turn.now,
  );
  turn.effects.notes = true;
}

/** What D1 says of a node now counts here, at once. */
export function takeStanding(turn: Turn, standing: NodeStanding): void {
  const before = isStopped(turn, standing.node);
  orderStanding(turn.sql, standing);
  const after = isStopped(turn, standing.node);
  if (before !== after) takeWork(turn, standing.node, !after);
}

function isStopped(turn: Turn, node: string): boolean {
  const { drained, quarantine } = ordersFor(turn.sql, node);
  return drained || quarantine !== null;
}

export function drainNode(turn: Turn, node: string): void {
  orderDrain(turn.sql, node, true);
  takeWork(turn, node, false);
}

/** Ends a quarantine, too: its faults are forgotten. */
export function resumeNode(turn: Turn, node: string): void {
  orderDrain(turn.sql, node, false);
  takeWork(turn, node, true);
}

/** Its own word on its state follows with its next heartbeat. */
function takeWork(turn: Turn, node: string, takes: boolean): void {
  const [from, to] = takes ? ["quiet", "running"] : ["running", "quiet"];
  turn.sql.run("UPDATE sessions SET state = ? WHERE node_id = ? AND state = ?", to, node, from);
  if (takes) turn.effects.ring = true;
}
