/** Nodes and enrolments in D1: registration, and the session number that partitions fence by. */

import type { z } from "zod";
import type { SessionRequest } from "../../shared/contract/fleet.ts";
import { isOlder } from "../../shared/ytdlp-version.ts";
import { STANDING_COLUMNS, type StandingRow } from "./node-faults.ts";

export interface NodeRow {
  id: string;
  name: string;
  public_key: string;
  session: number;
  tags: string;
  country: string | null;
  account_id: string | null;
  drained_at: number | null;
  revoked_at: number | null;
}

export interface Registration {
  nodeId: string;
  name: string;
  publicKey: string;
  enrolmentHash: string;
  country: string | null;
  now: number;
}

/**
 * Uses up one use of an enrolment and inserts the node, in one transaction. A repeat with the same public key finds the
 * node that the first call made. Null: the token is unknown, used up or over. `removed`: the key is a node's that the
 * operator has removed, and no token brings that one back.
 */
export async function registerNode(
  db: D1Database,
  registration: Registration,
): Promise<{ id: string; name: string } | "removed" | null> {
  const { nodeId, name, publicKey, enrolmentHash, country, now } = registration;
  const known = await findNodeByKey(db, publicKey);
  if (known !== null) return known.revoked_at === null ? { id: known.id, name: known.name } : "removed";
  const [inserted] = await db.batch<{ id: string; name: string }>([
    db
      .prepare(
        `INSERT INTO nodes (id, name, public_key, tags, country, account_id, enrolment_id, created_at)
         SELECT ?1, ?2, ?3, tags, ?4, account_id, id, ?5 FROM enrolments
         WHERE hash = ?6 AND uses_left > 0 AND expires_at > ?5 RETURNING id, name`,
      )
      .bind(nodeId, name, publicKey, country, now, enrolmentHash),
    db
      .prepare("UPDATE enrolments SET uses_left = uses_left - 1 WHERE hash = ?1 AND uses_left > 0 AND expires_at > ?2")
      .bind(enrolmentHash, now),
  ]);
  return inserted?.results[0] ?? null;
}

async function findNodeByKey(db: D1Database, publicKey: string): Promise<NodeRow | null> {
  return db.prepare("SELECT * FROM nodes WHERE public_key = ?").bind(publicKey).first<NodeRow>();
}

export async function findNode(db: D1Database, id: string): Promise<NodeRow | null> {
  return db.prepare("SELECT * FROM nodes WHERE id = ?").bind(id).first<NodeRow>();
}

/**
 * The number of the session to open: the one to be resumed if it is still the newest, else the next. One statement, so
 * two starts of one node can never share a number.
 */
export async function beginSession(
  db: D1Database,
  request: Pick<z.infer<typeof SessionRequest>, "node_id" | "resume" | "slots" | "versions">,
  now: number,
): Promise<number | null> {
  const row = await db
    .prepare(
      `UPDATE nodes SET session = CASE WHEN session = ?2 THEN session ELSE session + 1 END, slots = ?3, versions = ?4,
         last_session_at = ?5
       WHERE id = ?1 AND revoked_at IS NULL RETURNING session`,
    )
    .bind(request.node_id, request.resume ?? -1, JSON.stringify(request.slots), JSON.stringify(request.versions), now)
    .first<{ session: number }>();
  return row?.session ?? null;
}

export interface NewEnrolment {
  id: string;
  hash: string;
  uses: number;
  expiresAt: number;
  tags: string[];
  accountId: string | null;
  now: number;
}

export async function insertEnrolment(db: D1Database, enrolment: NewEnrolment): Promise<void> {
  await db
    .prepare(
      "INSERT INTO enrolments (id, hash, uses_left, expires_at, tags, account_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(
      enrolment.id,
      enrolment.hash,
      enrolment.uses,
      enrolment.expiresAt,
      JSON.stringify(enrolment.tags),
      enrolment.accountId,
      enrolment.now,
    )
    .run();
}

/** Nodes looked at for a version: those that were heard last. */
const MAX_NODES_ASKED = 64;

/**
 * The yt-dlp of the nodes that may serve an account: the newest among those heard since `since`, else of the one that was
 * heard last. Null: there never was one.
 */
export async function ytDlpVersion(db: D1Database, account: string, since: number): Promise<string | null> {
  const { results } = await db
    .prepare(
      `SELECT versions ->> '$.ytdlp' AS version, last_session_at AS heard FROM nodes
       WHERE revoked_at IS NULL AND last_session_at IS NOT NULL AND (account_id IS NULL OR account_id = ?)
       ORDER BY last_session_at DESC LIMIT ${MAX_NODES_ASKED}`,
    )
    .bind(account)
    .all<{ version: string | null; heard: number }>();
  const known = results.flatMap(({ version, heard }) => (version === null ? [] : [{ version, heard }]));
  const online = known.filter(({ heard }) => heard >= since);
  const newest = online.reduce<string | null>(
    (best, { version }) => (best === null || isOlder(best, version) ? version : best),
    null,
  );
  return newest ?? known[0]?.version ?? null;
}

/** A node as its row tells it; what it does now is known by the partitions. */
export interface ListedNode extends StandingRow {
  name: string;
  /** JSON texts. */
  tags: string;
  slots: string;
  versions: string;
  last_session_at: number | null;
}

/** Nodes listed at once. */
const MAX_NODES_LISTED = 10_000;

const LISTED = `name, tags, slots, versions, last_session_at, ${STANDING_COLUMNS}`;

/** Oldest first, without the removed ones. */
export async function listNodes(db: D1Database): Promise<ListedNode[]> {
  const { results } = await db
    .prepare(`SELECT ${LISTED} FROM nodes WHERE revoked_at IS NULL ORDER BY created_at, id LIMIT ${MAX_NODES_LISTED}`)
    .all<ListedNode>();
  return results;
}

/** Keeps the time of the first drain. Null: there is no such node. */
export async function drainNode(db: D1Database, id: string, now: number): Promise<ListedNode | null> {
  return db
    .prepare(
      `UPDATE nodes SET drained_at = coalesce(drained_at, ?1), standing = standing + 1 WHERE id = ?2 AND revoked_at IS NULL RETURNING ${LISTED}`,
    )
    .bind(now, id)
    .first<ListedNode>();
}

/** Ends a quarantine, too: what was seen of the node until now counts no more. */
export async function resumeNode(db: D1Database, id: string, now: number): Promise<ListedNode | null> {
  const [resumed] = await db.batch<ListedNode>([
    db
      .prepare(
        `UPDATE nodes SET drained_at = NULL, quarantine = NULL, faults = 0, faults_since = ?1, standing = standing + 1
         WHERE id = ?2 AND revoked_at IS NULL RETURNING ${LISTED}`,
      )
      .bind(now, id),
    db.prepare("DELETE FROM node_faults WHERE node_id = ?").bind(id),
  ]);
  return resumed?.results[0] ?? null;
}

/** A repeat finds the node too: the partitions may not all have heard of the first. False: there is no such node. */
export async function removeNode(db: D1Database, id: string, now: number): Promise<boolean> {
  const [removed] = await db.batch([
    db.prepare("UPDATE nodes SET revoked_at = coalesce(revoked_at, ?1) WHERE id = ?2 RETURNING id").bind(now, id),
    db.prepare("DELETE FROM node_faults WHERE node_id = ?").bind(id),
  ]);
  return removed?.results.length === 1;
}
