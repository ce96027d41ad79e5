/** Faults of nodes in a row, counted for the whole fleet (docs/decisions/120). */
import { MAX_NODE_FAULTS } from "../../shared/limits.ts";
import type { NodeStanding } from "../partition/node-orders.ts";
import type { Database } from "./database.ts";

/** Something that a partition has seen of a node. */
export interface NodeNote {
  node_id: string;
  /** Names the attempt in the whole fleet: told again, it counts once. */
  attempt: string;
  /** Cleaned; null: it has delivered, and whatever was before has passed. */
  fault: string | null;
  at: number;
}

const IN_A_ROW = " faults in a row, the last one: ";

/** Why a node is in quarantine, as the operator reads it. */
export function quarantineReason(faults: number, last: string): string {
  return `${faults}${IN_A_ROW}${last}`;
}

export interface StandingRow {
  id: string;
  standing: number;
  drained_at: number | null;
  quarantine: string | null;
  faults: number;
}

export const STANDING_COLUMNS = "id, standing, drained_at, quarantine, faults";

export function toStanding({ id, standing, drained_at, quarantine, faults }: StandingRow): NodeStanding {
  return { node: id, version: standing, drained: drained_at !== null, quarantine, faults };
}

/**
 * Writes down what was seen, in its order and all of it or nothing, and gives what now holds of these nodes. What is older
 * than the node's last delivery or resume counts for nothing. Only the operator ends a quarantine. Each statement goes by
 * primary key; faults are rare, so what this writes is of no weight.
 */
export async function recordNodeNotes(db: Database, notes: readonly NodeNote[]): Promise<NodeStanding[]> {
  const nodes = JSON.stringify([...new Set(notes.map((note) => note.node_id))]);
  const seen = notes.map(({ node_id, attempt, fault, at }) =>
    fault === null
      ? db.prepare("UPDATE nodes SET faults_since = max(faults_since, ?) WHERE id = ?").bind(at, node_id)
      : db
          .prepare(
            `INSERT INTO node_faults (node_id, attempt, fault, at)
             SELECT id, ?2, ?3, ?4 FROM nodes WHERE id = ?1 AND faults_since < ?4 ON CONFLICT DO NOTHING`,
          )
          .bind(node_id, attempt, fault, at),
  );
  await db.batch([
    ...seen,
    db
      .prepare(
        `DELETE FROM node_faults WHERE node_id IN (SELECT value FROM json_each(?))
           AND at <= (SELECT faults_since FROM nodes WHERE id = node_id)`,
      )
      .bind(nodes),
    db
      .prepare(
        `UPDATE nodes SET standing = standing + 1, faults = (SELECT count(*) FROM node_faults WHERE node_id = id)
         WHERE id IN (SELECT value FROM json_each(?))`,
      )
      .bind(nodes),
    db
      .prepare(
        `UPDATE nodes SET quarantine = faults || ?2 || (SELECT fault FROM node_faults WHERE node_id = id ORDER BY at DESC LIMIT 1)
         WHERE id IN (SELECT value FROM json_each(?1)) AND faults >= ?3 AND quarantine IS NULL`,
      )
      .bind(nodes, IN_A_ROW, MAX_NODE_FAULTS),
  ]);
  return standingsOf(db, nodes);
}

/** Read after the batch: what another partition has written meanwhile has a higher version, and may be told as well. */
async function standingsOf(db: Database, nodes: string): Promise<NodeStanding[]> {
  const { results } = await db
    .prepare(
      `SELECT ${STANDING_COLUMNS} FROM nodes WHERE revoked_at IS NULL AND id IN (SELECT value FROM json_each(?))`,
    )
    .bind(nodes)
    .all<StandingRow>();
  return results.map(toStanding);
}
