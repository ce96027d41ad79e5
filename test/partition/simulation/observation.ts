/** What every transaction did, move by move: temporary triggers write it down, without a line in the core. */
import type { Core } from "../../../edge/partition/core.ts";
import { SINKS } from "../../../edge/partition/drain.ts";
import type { State } from "../../../edge/partition/states.ts";
import type { NodeSql } from "../node-sql.ts";

export interface Move {
  job: string;
  account: string;
  /** Of a member: a parent is born without one. */
  batch: string | null;
  /** Null: the row was born. */
  old: State | null;
  /** Null: the row is gone (retired). */
  new: State | null;
  attempt: number;
  attemptsBefore: number;
  attempts: number;
  triesBefore: string;
  tries: string;
  createEvent: number;
  terminalEvent: number | null;
  d1Cursor: number;
  leastCursor: number;
}

export interface SeenEvent {
  id: number;
  job: string | null;
  batch: string | null;
  type: string;
}

export interface LostSession {
  node: string;
  lastSeen: number;
}

const CURSORS = `(SELECT coalesce(max(event_id), 0) FROM main.cursors WHERE sink = 'd1'),
  (SELECT CASE count(*) WHEN ${SINKS.length} THEN min(event_id) ELSE 0 END FROM main.cursors)`;

const TRIGGERS = `
PRAGMA temp_store = MEMORY;
CREATE TEMP TABLE moves (n INTEGER PRIMARY KEY, job TEXT, account TEXT, batch TEXT, old TEXT, new TEXT, attempt INTEGER,
  attemptsBefore INTEGER, attempts INTEGER, triesBefore TEXT, tries TEXT, createEvent INTEGER, terminalEvent INTEGER,
  d1Cursor INTEGER, leastCursor INTEGER);
CREATE TEMP TABLE seen (n INTEGER PRIMARY KEY, id INTEGER, job TEXT, batch TEXT, type TEXT);
CREATE TEMP TABLE lost (n INTEGER PRIMARY KEY, node TEXT, lastSeen INTEGER);
CREATE TEMP TRIGGER on_move AFTER UPDATE OF state ON main.jobs WHEN OLD.state <> NEW.state BEGIN
  INSERT INTO moves SELECT NULL, NEW.id, NEW.account_id, NEW.batch_id, OLD.state, NEW.state, NEW.attempt, OLD.attempts, NEW.attempts,
    OLD.tries, NEW.tries, NEW.create_event, NEW.terminal_event_id, ${CURSORS};
END;
CREATE TEMP TRIGGER on_birth AFTER INSERT ON main.jobs BEGIN
  INSERT INTO moves SELECT NULL, NEW.id, NEW.account_id, NEW.batch_id, NULL, NEW.state, NEW.attempt, 0, NEW.attempts,
    '{}', NEW.tries, NEW.create_event, NULL, ${CURSORS};
END;
CREATE TEMP TRIGGER on_retire AFTER DELETE ON main.jobs BEGIN
  INSERT INTO moves SELECT NULL, OLD.id, OLD.account_id, OLD.batch_id, OLD.state, NULL, OLD.attempt, OLD.attempts, OLD.attempts,
    OLD.tries, OLD.tries, OLD.create_event, OLD.terminal_event_id, ${CURSORS};
END;
CREATE TEMP TRIGGER on_event AFTER INSERT ON main.events BEGIN
  INSERT INTO seen VALUES (NULL, NEW.id, NEW.job_id, NEW.batch_id, NEW.type);
END;
CREATE TEMP TRIGGER on_lost AFTER UPDATE OF state ON main.sessions WHEN NEW.state = 'lost' AND OLD.state <> 'lost' BEGIN
  INSERT INTO lost VALUES (NULL, NEW.node_id, OLD.last_seen);
END;
`;

const watched = new WeakSet<object>();

/** True when this storage is new to us: what it holds was put there by a birth. */
export function watchStorage(core: Core): boolean {
  const { database } = core.sql as NodeSql;
  if (watched.has(database)) return false;
  watched.add(database);
  database.exec(TRIGGERS);
  return true;
}

/** Everything since the last call. */
export function observe(core: Core): { moves: Move[]; events: SeenEvent[]; lost: LostSession[] } {
  const { sql } = core;
  const moves = sql.all<Move>("SELECT * FROM temp.moves ORDER BY n");
  const events = sql.all<SeenEvent>("SELECT * FROM temp.seen ORDER BY n");
  const lost = sql.all<LostSession>("SELECT * FROM temp.lost ORDER BY n");
  if (moves.length > 0) sql.run("DELETE FROM temp.moves");
  if (events.length > 0) sql.run("DELETE FROM temp.seen");
  if (lost.length > 0) sql.run("DELETE FROM temp.lost");
  return { moves, events, lost };
}
