/** Nodes as this partition knows them: for the operator, who is told of a bounded number of them at once (decision 129). */
import { leasesRunAt } from "./absence.ts";
import type { Sql } from "./sql.ts";

/** As many as nodes are listed. */
const MAX_SESSIONS_LISTED = 10_000;
/** Pairs of nodes and hosts. */
const MAX_COOL_DOWNS_LISTED = 10_000;

export interface NodePresence {
  node: string;
  /** `lost`: silent for a whole lease. */
  state: "running" | "quiet" | "lost";
  /** Its own words, while it is quiet. */
  reason: string | null;
  /** Why it is in quarantine; null: it is not. */
  quarantine: string | null;
  last_seen: number;
  running: number;
  cool_downs: { host: string; until: number }[];
}

interface SessionPresence extends Pick<NodePresence, "reason" | "quarantine" | "last_seen" | "running"> {
  node_id: string;
  state: string;
  online: number;
}

interface CoolDown {
  node_id: string;
  host: string;
  until: number;
}

/**
 * Those that were heard last first; those that were given up come behind all others. What is read does not grow beyond what
 * is told: each table goes by an index, and job_held_by(node_id) once a session.
 *
 * @param node that one alone. Missing: all of them.
 */
export function readPresence(sql: Sql, now: number, node?: string): NodePresence[] {
  const sessions = node === undefined ? allSessions(sql, now) : sessionsOf(sql, now, node);
  const coolDowns = node === undefined ? allCoolDowns(sql, now) : coolDownsOf(sql, now, node);
  const resting = Map.groupBy(coolDowns, (row) => row.node_id);
  return sessions.map((row) => ({
    node: row.node_id,
    state: row.online !== 1 || row.state === "lost" ? "lost" : row.state === "running" ? "running" : "quiet",
    reason: row.reason,
    quarantine: row.quarantine,
    last_seen: row.last_seen,
    running: row.running,
    cool_downs: (resting.get(row.node_id) ?? []).map(({ host, until }) => ({ host, until })),
  }));
}

const PRESENCE = `SELECT s.node_id, s.state, s.reason, o.quarantine, s.last_seen, s.lease_until >= ? AS online,
    (SELECT count(*) FROM jobs j WHERE j.node_id = s.node_id AND j.state IN ('offered', 'running') AND j.state = 'running') AS running
  FROM sessions s LEFT JOIN node_orders o ON o.node_id = s.node_id`;

// Uses session_lease(lease_until) and session_lost(lease_until), each from its end.
function allSessions(sql: Sql, now: number): SessionPresence[] {
  const from = leasesRunAt(sql, now);
  const some = (which: "<>" | "=", most: number) =>
    sql.all<SessionPresence>(
      `${PRESENCE} WHERE s.state ${which} 'lost' ORDER BY s.lease_until DESC LIMIT ?`,
      from,
      most,
    );
  const known = some("<>", MAX_SESSIONS_LISTED);
  return [...known, ...some("=", MAX_SESSIONS_LISTED - known.length)];
}

/** By primary key. */
function sessionsOf(sql: Sql, now: number, node: string): SessionPresence[] {
  return sql.all<SessionPresence>(`${PRESENCE} WHERE s.node_id = ?`, leasesRunAt(sql, now), node);
}

/** Those that last longest. Uses cool_down_age(until). */
function allCoolDowns(sql: Sql, now: number): CoolDown[] {
  return sql.all<CoolDown>(
    `SELECT node_id, host, until FROM cool_downs WHERE until > ? ORDER BY until DESC LIMIT ${MAX_COOL_DOWNS_LISTED}`,
    now,
  );
}

/** By primary key. */
function coolDownsOf(sql: Sql, now: number, node: string): CoolDown[] {
  return sql.all<CoolDown>(
    `SELECT node_id, host, until FROM cool_downs WHERE node_id = ? AND until > ? ORDER BY until DESC LIMIT ${MAX_COOL_DOWNS_LISTED}`,
    node,
    now,
  );
}
