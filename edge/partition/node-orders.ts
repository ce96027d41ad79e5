/**
 * What the operator has said of nodes: a drained one gets no work, a removed one is nobody here any more. D1 owns it; it
 * is pushed into the partition, because a lease does not wait for D1.
 */
import { SESSION_KEY_TTL_MS } from "../../shared/limits.ts";
import type { Sql } from "./sql.ts";

export interface NodeOrders {
  drained: boolean;
  removed: boolean;
}

const NONE: NodeOrders = { drained: false, removed: false };

/** By primary key. */
export function ordersFor(sql: Sql, node: string): NodeOrders {
  const row = sql.get<{ drained: number; removed_at: number | null }>(
    "SELECT drained, removed_at FROM node_orders WHERE node_id = ?",
    node,
  );
  return row === undefined ? NONE : { drained: row.drained === 1, removed: row.removed_at !== null };
}

export function orderDrain(sql: Sql, node: string, drained: boolean): void {
  if (!drained) {
    sql.run("DELETE FROM node_orders WHERE node_id = ? AND removed_at IS NULL", node);
    return;
  }
  sql.run(
    "INSERT INTO node_orders (node_id, drained) VALUES (?, 1) ON CONFLICT (node_id) DO UPDATE SET drained = 1",
    node,
  );
}

/** The order is kept as long as a session key of the node may live; new keys it gets none. */
export function orderRemoval(sql: Sql, node: string, now: number): void {
  sql.run("DELETE FROM node_orders WHERE removed_at < ?", now - SESSION_KEY_TTL_MS);
  sql.run(
    `INSERT INTO node_orders (node_id, drained, removed_at) VALUES (?, 0, ?)
     ON CONFLICT (node_id) DO UPDATE SET removed_at = coalesce(removed_at, excluded.removed_at)`,
    node,
    now,
  );
}
