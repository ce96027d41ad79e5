/** Which nodes the repeat of a job goes to (jobs API 12): what is remembered of those that failed it, and what that means. */
import type { FailureClass } from "../../shared/contract/failures.ts";
import { leasesRunFrom, ONLINE } from "./absence.ts";
import { type Avoid, type LiveJob, parseAvoid } from "./job-row.ts";
import type { SessionRow } from "./sessions.ts";
import type { Turn } from "./turn.ts";

/** Sessions looked at; a partition has some dozens. */
const MAX_SESSIONS = 64;

/** A node as far as this matters. */
export interface Candidate {
  node: string;
  session: number;
  country: string | null;
}

/**
 * What is remembered after one more failure. What must not be (after a bot check, a geo-block) outlives failures of other
 * classes: the site has not changed its mind about that node. What should not be is the last failure's say alone.
 */
export function avoidAfter(
  turn: Turn,
  job: LiveJob,
  mode: "prefer" | "only" | "countries" | null,
  failureClass: FailureClass,
  message: string,
): Pick<LiveJob, "avoid" | "avoid_until"> {
  const before = parseAvoid(job);
  const next = job.node_id === null ? null : merged(turn, job, job.node_id, before, mode, failureClass, message);
  if (next === null) return { avoid: null, avoid_until: null };
  return {
    avoid: JSON.stringify(next),
    avoid_until: next.mode === "only" ? turn.now + turn.config.backoffMaxMs : null,
  };
}

function merged(
  turn: Turn,
  job: LiveJob,
  nodeId: string,
  before: Avoid | null,
  mode: "prefer" | "only" | "countries" | null,
  failureClass: FailureClass,
  message: string,
): Avoid | null {
  // A lost worker that signs in again is another worker: only its session is avoided.
  const node = failureClass === "lost" ? `${nodeId}/${job.session}` : nodeId;
  const never = before?.mode === "only" ? before : null;
  const rather = (never === null ? before?.nodes : never.rather) ?? [];
  if (mode === null) return never === null ? null : { ...never, rather: [] };
  if (mode === "prefer") {
    // In the order of their last failures.
    const nodes = [...rather.filter((one) => one !== node), node];
    if (never !== null) return { ...never, rather: nodes };
    return { nodes, countries: [], mode: "prefer", class: failureClass, message };
  }
  const country = mode === "countries" ? countryOf(turn, nodeId) : null;
  return {
    nodes: unique([...(never?.nodes ?? []), node]),
    countries: unique([...(never?.countries ?? []), ...(country === null ? [] : [country])]),
    rather,
    mode: "only",
    class: failureClass,
    message,
  };
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}

function countryOf(turn: Turn, node: string): string | null {
  return (
    turn.sql.get<{ country: string | null }>("SELECT country FROM sessions WHERE node_id = ?", node)?.country ?? null
  );
}

/** Whether this node may have the job now, with the others that could run it in mind. */
export function mayHave(avoid: Avoid, who: Candidate, able: readonly Candidate[]): boolean {
  const must = (one: Candidate) => avoid.mode === "only" && (isNamed(avoid.nodes, one) || isRefusedCountry(avoid, one));
  const failed = avoid.mode === "only" ? (avoid.rather ?? []) : avoid.nodes;
  if (must(who)) return false;
  if (!isNamed(failed, who)) return true;
  const others = able.filter((other) => !must(other));
  if (others.some((other) => !isNamed(failed, other))) return false;
  // All have failed it: then not the one that did so last, if it is not alone.
  return others.length === 0 || !isNamed(failed.slice(-1), who);
}

function isNamed(nodes: readonly string[], { node, session }: Candidate): boolean {
  return nodes.includes(node) || nodes.includes(`${node}/${session}`);
}

/** An unknown country is never chosen as another one. */
function isRefusedCountry({ countries, class: failureClass }: Avoid, { country }: Candidate): boolean {
  if (countries.length === 0 && failureClass !== "geo") return false;
  return country === null || countries.includes(country);
}

/** Whether the account has none but its own nodes. By primary key. */
export function isClosed(turn: Turn, account: string): boolean {
  return turn.sql.get<{ pool: string }>("SELECT pool FROM accounts WHERE id = ?", account)?.pool === "own";
}

/**
 * Those of the sessions that may serve the account and have the tags: no other is one to leave the job to.
 *
 * @param closed as {@link isClosed} says of the job's account.
 */
export function ableOf(
  sessions: readonly SessionRow[],
  job: Pick<LiveJob, "account_id" | "tags">,
  closed: boolean,
): SessionRow[] {
  const required = JSON.parse(job.tags) as string[];
  return sessions.filter((session) => (session.account_id !== null || !closed) && couldRun(session, job, required));
}

/** It has the tags, and is the account's own or nobody's. */
export function couldRun(session: SessionRow, job: Pick<LiveJob, "account_id">, required: readonly string[]): boolean {
  if (session.account_id !== null && session.account_id !== job.account_id) return false;
  const tags = required.length === 0 ? [] : (JSON.parse(session.tags) as string[]);
  return required.every((tag) => tags.includes(tag));
}

/** A node that could run the job is online in a country that has not refused it yet. */
export function otherCountryOnline(turn: Turn, job: LiveJob): boolean {
  const refused = new Set(parseAvoid(job)?.countries ?? []);
  const own = job.node_id === null ? null : countryOf(turn, job.node_id);
  if (own !== null) refused.add(own);
  const elsewhere = turn.sql
    .all<SessionRow>(
      `SELECT * FROM sessions WHERE ${ONLINE} AND country IS NOT NULL LIMIT ${MAX_SESSIONS}`,
      leasesRunFrom(turn),
    )
    .filter((row) => row.country !== null && !refused.has(row.country));
  return elsewhere.length > 0 && ableOf(elsewhere, job, isClosed(turn, job.account_id)).length > 0;
}
