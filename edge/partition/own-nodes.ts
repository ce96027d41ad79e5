/** Pool `own_first`: what an account's own nodes have room for is theirs first; shared ones take it when they have not. */
import { leasesRunFrom } from "./absence.ts";
import { couldRun } from "./avoid.ts";
import type { LiveJob } from "./job-row.ts";
import type { NodeIdentity, SessionRow } from "./sessions.ts";
import type { Turn } from "./turn.ts";

/** Own nodes of one account that are looked at. */
const MAX_OWN_NODES = 64;

export class OwnNodes {
  readonly #turn: Turn;
  /** An own node has nobody to leave anything to. */
  readonly #isShared: boolean;
  readonly #known = new Map<string, SessionRow[]>();

  constructor(turn: Turn, who: NodeIdentity) {
    this.#turn = turn;
    this.#isShared = who.account === null;
  }

  /**
   * Whether the job is left to an own node that has room for it and should be asking for it now. One that does not come
   * within the time of an offer may be dead: its lease is not waited for.
   */
  shouldHave(job: Pick<LiveJob, "account_id" | "queued_at" | "tags">): boolean {
    if (!this.#isShared || this.#turn.now - job.queued_at >= this.#turn.config.offerTtlMs) return false;
    const required = JSON.parse(job.tags) as string[];
    return this.#withRoom(job.account_id).some((session) => couldRun(session, job, required));
  }

  /** Asked once a lease and account, and only for fresh jobs. Uses session_own(account_id), and job_held_by(node_id) once a session. */
  #withRoom(account: string): SessionRow[] {
    const known = this.#known.get(account);
    if (known !== undefined) return known;
    const found = this.#turn.sql.all<SessionRow>(
      `SELECT s.* FROM accounts a JOIN sessions s ON s.account_id = a.id
       WHERE a.id = ?1 AND a.pool = 'own_first' AND s.state = 'running' AND s.lease_until >= ?2 AND s.room >
         (SELECT count(*) FROM jobs j WHERE j.node_id = s.node_id AND j.state IN ('offered', 'running') AND j.live = 0)
       LIMIT ${MAX_OWN_NODES}`,
      account,
      leasesRunFrom(this.#turn),
    );
    this.#known.set(account, found);
    return found;
  }
}
