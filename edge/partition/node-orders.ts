/**
 * Standing orders about nodes. What the operator has said: a drained one gets no work, a removed one is nobody here any
 * more. D1 owns that; it is pushed into the partition, because a lease does not wait for D1. And what the partition has
 * said itself: a node in quarantine gets no work either, until the operator resumes it.
 */
import { SESSION_KEY_TTL_MS } from "../../shared/limits.ts";
import type { Sql } from "./sql.ts";

export interface NodeOrders {
  drained: boolean;
  removed: boolean;
  /** Why it is in quarantine; null: it is not. */
  quarantine: string | null;
}

const NONE: NodeOrders = { drained: false, removed: false, quarantine: null };

/** By primary key. */
export function ordersFor(sql: Sql, node: string): NodeOrders {
  const row = sql.get<{ drained: number; removed_at: number | null; quarantine: string | null }>(
    "SELECT drained, removed_at, quarantine FROM node_orders WHERE node_id = ?",
    node,
  );
  if (row === undefined) return NONE;
  return { drained: row.drained === 1, removed: row.removed_at !== null, quarantine: row.quarantine };
}

/** Resuming a node ends its quarantine too. */
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

/** The first reason stays. */
export function orderQuarantine(sql: Sql, node: string, why: string): void {
  sql.run(
    `INSERT INTO node_orders (node_id, drained, quarantine) VALUES (?, 0, ?)
     ON CONFLICT (node_id) DO UPDATE SET quarantine = coalesce(quarantine, excluded.quarantine)`,
    node,
    why,
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
