/**
 * The way of a lease past the accounts: in turn, each time the one served longest ago. Accounts with work may have nothing for
 * this node (its slots of that class are taken, their host rests, their tags are another's), and there may be a thousand of
 * them: a lease goes past so many, and the node's next one goes on where it stopped (decision 110).
 */
import type { Slots } from "../../shared/contract/fleet.ts";
import type { NodeIdentity } from "./sessions.ts";
import type { Turn } from "./turn.ts";

/** Read in one go. */
const ACCOUNTS_PAGE = 16;
/** Accounts without a job for the node that one lease looks at. */
const MAX_FRUITLESS = 64;
/** Accounts with live jobs, once a lease has slots left for those alone. */
const MAX_LIVE_ACCOUNTS = 256;

/** In the order of turns. */
interface Place {
  turn: number;
  id: string;
}

const FIRST: Place = { turn: -1, id: "" };

export class AccountWalk {
  readonly #turn: Turn;
  readonly #who: NodeIdentity;
  readonly #left: Readonly<Slots>;
  readonly #from: Place;
  #place: Place;
  #fruitless = 0;
  #stoppedAt: Place | null = null;

  /** @param left slots of the lease, as they are taken. */
  constructor(turn: Turn, who: NodeIdentity, left: Readonly<Slots>) {
    this.#turn = turn;
    this.#who = who;
    this.#left = left;
    const walked = turn.sql.get<Place>(
      "SELECT walked_turn AS turn, walked_id AS id FROM sessions WHERE node_id = ?",
      who.node,
    );
    this.#from = walked ?? FIRST;
    this.#place = this.#from;
  }

  /** Accounts that it has served stand at the end again. The last part is what lay before the place where it began. */
  *accounts(): Generator<string> {
    if (this.#left.download + this.#left.live === 0) return;
    yield* this.#after(null);
    if (this.#from.turn === FIRST.turn || this.#stoppedAt !== null) return;
    this.#place = FIRST;
    yield* this.#after(this.#from);
  }

  /** The account that came last had a job. */
  served(): void {
    this.#fruitless--;
  }

  /** Remembers where to go on. `unfinished`: there are accounts that neither this lease nor the one before has looked at. */
  end(): "done" | "unfinished" {
    const next = this.#stoppedAt ?? FIRST;
    if (next.turn !== this.#from.turn || next.id !== this.#from.id) {
      this.#turn.sql.run(
        "UPDATE sessions SET walked_turn = ?, walked_id = ? WHERE node_id = ?",
        next.turn,
        next.id,
        this.#who.node,
      );
    }
    return this.#stoppedAt === null ? "done" : "unfinished";
  }

  *#after(until: Place | null): Generator<string> {
    for (;;) {
      const rows = this.#page();
      for (const row of rows) {
        if (until !== null && (row.turn > until.turn || (row.turn === until.turn && row.id > until.id))) return;
        if (this.#fruitless >= MAX_FRUITLESS) {
          // On its way round it has been here before: the next lease begins with the first.
          if (until === null) this.#stoppedAt = this.#place;
          return;
        }
        this.#place = row;
        this.#fruitless++;
        const downloads = this.#left.download > 0;
        yield row.id;
        // From here on accounts with live jobs alone will do.
        if (downloads && this.#left.download === 0) break;
      }
      if (rows.length === 0) return;
    }
  }

  #page(): Place[] {
    const { turn, id } = this.#place;
    const { account } = this.#who;
    if (account !== null) return this.#turn.sql.all<Place>(OWN, account, turn, id);
    return this.#turn.sql.all<Place>(this.#left.download === 0 ? WITH_LIVE : SHARED, turn, id);
  }
}

/** Paused, or running as many as its limit says: nobody may serve it. The words are those of account_turn. */
const OPEN = "ready > 0 AND paused = 0 AND (max_concurrent IS NULL OR active < max_concurrent)";
const IN_TURN = `AND (turn, id) > (?, ?) ORDER BY turn, id LIMIT ${ACCOUNTS_PAGE}`;
// By primary key.
const OWN = `SELECT id, turn FROM accounts WHERE id = ? AND ${OPEN} ${IN_TURN}`;
// Uses account_turn(turn, id). Where only the account's own nodes are welcome, a shared one is not.
const SHARED = `SELECT id, turn FROM accounts WHERE pool <> 'own' AND ${OPEN} ${IN_TURN}`;
// Uses job_ready_live(account_id): from one account with live jobs to the next, one seek each.
const WITH_LIVE = `WITH RECURSIVE lively (account) AS (
    SELECT min(account_id) FROM jobs WHERE state = 'queued' AND live = 1
    UNION ALL
    SELECT (SELECT min(account_id) FROM jobs WHERE state = 'queued' AND live = 1 AND account_id > account)
    FROM lively WHERE account IS NOT NULL LIMIT ${MAX_LIVE_ACCOUNTS})
  SELECT id, turn FROM accounts WHERE id IN (SELECT account FROM lively) AND pool <> 'own' AND ${OPEN} ${IN_TURN}`;
