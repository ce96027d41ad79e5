/**
 * Lanes: the ready jobs of one account, put apart by what a node needs to have them. A lease looks at the head of each
 * lane that it may serve, so that any number of jobs that must wait (for a tag, a live slot, their key) hides none that
 * need not, and costs it nothing (decision 110).
 */
import type { Slots } from "../../shared/contract/fleet.ts";
import type { LiveJob } from "./job-row.ts";
import { isLimited as isKeyLimited } from "./keys.ts";
import type { NodeIdentity } from "./sessions.ts";
import type { Sql } from "./sql.ts";
import type { Turn } from "./turn.ts";

/** Of jobs that any node's download slot will do for: nearly all. It sorts before every other. */
const PLAIN_LANE = "";

/** Lanes of one account, beside the plain one, that a lease looks at. More than that hide only jobs of that account. */
const MAX_LANES = 256;

/** What the jobs of a lane have in common. */
interface Lane {
  live: boolean;
  /** The key, where it has a limit on how much may run. */
  key: string | null;
  /** JSON array of `key=value`. */
  tags: string;
}

type Laned = Pick<LiveJob, "live" | "key_id" | "tags">;

/**
 * The value of `jobs.lane`. `isLimited`: as `keys.ts` has it, or as it is known already. Schema version 8 says the same in SQL, for
 * jobs from before.
 */
export function laneOf(
  turn: Turn,
  { live, key_id, tags }: Laned,
  isLimited: (key: string) => boolean = (key) => isKeyLimited(turn, key),
): string {
  const key = key_id !== null && isLimited(key_id) ? key_id : "";
  return live === 0 && key === "" && tags === "[]" ? PLAIN_LANE : `${live} ${key} ${tags}`;
}

function parseLane(lane: string): Lane {
  const [live = "", key = "", ...tags] = lane.split(" ");
  return { live: live === "1", key: key === "" ? null : key, tags: tags.join(" ") };
}

/** Lanes of the account that this node may serve with what is left of its slots. Uses job_ready(account_id, lane, …): one seek a lane. */
export function lanesFor(turn: Turn, who: NodeIdentity, account: string, left: Slots): string[] {
  const lanes = left.download > 0 ? [PLAIN_LANE] : [];
  let last = PLAIN_LANE;
  for (let seen = 0; seen < MAX_LANES; seen++) {
    const next = turn.sql.get<{ lane: string }>(
      "SELECT lane FROM jobs WHERE account_id = ? AND state = 'queued' AND lane > ? ORDER BY lane LIMIT 1",
      account,
      last,
    );
    if (next === undefined) break;
    last = next.lane;
    if (mayServe(turn.sql, who, parseLane(last), left)) lanes.push(last);
  }
  return lanes;
}

function mayServe(sql: Sql, who: NodeIdentity, { live, key, tags }: Lane, left: Slots): boolean {
  if (left[live ? "live" : "download"] === 0) return false;
  if (!(JSON.parse(tags) as string[]).every((tag) => who.tags.includes(tag))) return false;
  if (key === null) return true;
  return sql.get("SELECT 1 AS x FROM keys WHERE id = ? AND active >= max_concurrent", key) === undefined;
}
