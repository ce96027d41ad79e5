/**
 * When a node gets no work, and when it does again. The operator drains and resumes it. It may report faults of its own,
 * too (class `node_fault`: a tool is missing, its disk is full): the job goes to another node, and one that reports three
 * in a row is in quarantine until the operator resumes it. Each partition counts for itself.
 */
import { MAX_NODE_FAULTS } from "../../shared/limits.ts";
import { orderDrain, orderQuarantine } from "./node-orders.ts";
import type { Turn } from "./turn.ts";

/** @param fault cleaned: it is a stranger's text. */
export function noteFault(turn: Turn, node: string, fault: string): void {
  turn.sql.run("UPDATE sessions SET faults = faults + 1 WHERE node_id = ?", node);
  const row = turn.sql.get<{ faults: number }>("SELECT faults FROM sessions WHERE node_id = ?", node);
  if (row === undefined || row.faults < MAX_NODE_FAULTS) return;
  orderQuarantine(turn.sql, node, `${row.faults} faults in a row, the last one: ${fault}`);
  turn.sql.run("UPDATE sessions SET state = 'quiet' WHERE node_id = ? AND state = 'running'", node);
}

/** It has delivered: whatever it was has passed. What a source refuses says nothing of its node. */
export function forgetFaults(turn: Turn, node: string): void {
  turn.sql.run("UPDATE sessions SET faults = 0 WHERE node_id = ? AND faults > 0", node);
}

/** Its own word on its state follows with its next heartbeat. */
export function drainNode(turn: Turn, node: string): void {
  orderDrain(turn.sql, node, true);
  turn.sql.run("UPDATE sessions SET state = 'quiet' WHERE node_id = ? AND state = 'running'", node);
}

/** Ends a quarantine, too: its faults are forgotten. */
export function resumeNode(turn: Turn, node: string): void {
  orderDrain(turn.sql, node, false);
  forgetFaults(turn, node);
  turn.sql.run("UPDATE sessions SET state = 'running' WHERE node_id = ? AND state = 'quiet'", node);
  turn.effects.ring = true;
}
