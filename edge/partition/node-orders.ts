/**
 * Standing orders about nodes: a drained one and one in quarantine get no work, a removed one is nobody here any more. D1
 * owns all of it, for the whole fleet; it is pushed into each partition, because a lease does not wait for D1.
 */
import { SESSION_KEY_TTL_MS } from "../../shared/limits.ts";
import type { Sql } from "./sql.ts";

export interface NodeOrders {
  drained: boolean;
  removed: boolean;
  /** Why it is in quarantine; null: it is not. */
  quarantine: string | null;
  /** Its own faults in a row, in all partitions as far as is known here. */
  faults: number;
}

/** What D1 says of a node; of two sayings the one with the higher version counts. */
export interface NodeStanding {
  node: string;
  version: number;
  drained: boolean;
  quarantine: string | null;
  faults: number;
}

const NONE: NodeOrders = { drained: false, removed: false, quarantine: null, faults: 0 };

interface OrderRow {
  drained: number;
  removed_at: number | null;
  quarantine: string | null;
  faults: number;
}

/** By primary key. */
export function ordersFor(sql: Sql, node: string): NodeOrders {
  const row = sql.get<OrderRow>(
    "SELECT drained, removed_at, quarantine, faults FROM node_orders WHERE node_id = ?",
    node,
  );
  if (row === undefined) return NONE;
  const { quarantine, faults } = row;
  return { drained: row.drained === 1, removed: row.removed_at !== null, quarantine, faults };
}

/** Takes over what D1 says, unless something newer is known. A removed node stays removed. */
export function orderStanding(sql: Sql, standing: NodeStanding): void {
  sql.run(
    `INSERT INTO node_orders (node_id, version, drained, quarantine, faults) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (node_id) DO UPDATE SET version = excluded.version, drained = excluded.drained,
       quarantine = excluded.quarantine, faults = excluded.faults WHERE excluded.version > version`,
    standing.node,
    standing.version,
    standing.drained ? 1 : 0,
    standing.quarantine,
    standing.faults,
  );
}

/** Resuming a node ends its quarantine too. The row stays for its version. */
export function orderDrain(sql: Sql, node: string, drained: boolean): void {
  if (!drained) {
    sql.run("UPDATE node_orders SET drained = 0, quarantine = NULL, faults = 0 WHERE node_id = ?", node);
    return;
  }
  sql.run(
    "INSERT INTO node_orders (node_id, drained) VALUES (?, 1) ON CONFLICT (node_id) DO UPDATE SET drained = 1",
    node,
  );
}

/** Counts one more. */
export function orderFault(sql: Sql, node: string): void {
  sql.run(
    `INSERT INTO node_orders (node_id, drained, faults) VALUES (?, 0, 1)
     ON CONFLICT (node_id) DO UPDATE SET faults = faults + 1`,
    node,
  );
}

export function orderNoFaults(sql: Sql, node: string): void {
  sql.run("UPDATE node_orders SET faults = 0 WHERE node_id = ?", node);
}

/** The first reason stays. */
export function orderQuarantine(sql: Sql, node: string, why: string): void {
  sql.run("UPDATE node_orders SET quarantine = coalesce(quarantine, ?) WHERE node_id = ?", why, node);
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
