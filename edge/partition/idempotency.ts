/** Idempotency keys of the three creates (jobs API 1.4), kept beside the jobs so that one transaction covers both. */
import { IDEMPOTENCY_KEPT_MS, IDEMPOTENCY_RUNNING_MS } from "../../shared/limits.ts";
import type { Turn } from "./turn.ts";

export interface IdempotencyKey {
  account: string;
  keyId: string;
  key: string;
  /** SHA-256 over method, path and the parsed body with sorted keys. */
  fingerprint: string;
  /** Names this very request; a record that changed hands meanwhile is not its any more. */
  owner: string;
}

export type IdempotencyStart =
  | { kind: "run" }
  /** The first result, as JSON text, and the newest event that it stands on. */
  | { kind: "replay"; body: string; event: number }
  | { kind: "mismatch" }
  | { kind: "running" };

interface Row {
  fingerprint: string;
  owner: string;
  began_at: number;
  event: number | null;
  body: string | null;
}

// By primary key.
function find(turn: Turn, key: IdempotencyKey): Row | undefined {
  return turn.sql.get<Row>(
    "SELECT fingerprint, owner, began_at, event, body FROM idempotency WHERE account_id = ? AND key_id = ? AND key = ?",
    key.account,
    key.keyId,
    key.key,
  );
}

/** Takes the key for this request, or says what became of the first one. */
export function beginIdempotent(turn: Turn, key: IdempotencyKey): IdempotencyStart {
  const known = find(turn, key);
  const age = known === undefined ? 0 : turn.now - known.began_at;
  if (known !== undefined && known.body !== null && age < IDEMPOTENCY_KEPT_MS) {
    if (known.fingerprint !== key.fingerprint) return { kind: "mismatch" };
    return { kind: "replay", body: known.body, event: known.event ?? 0 };
  }
  if (known !== undefined && known.body === null && age < IDEMPOTENCY_RUNNING_MS && known.owner !== key.owner) {
    return known.fingerprint === key.fingerprint ? { kind: "running" } : { kind: "mismatch" };
  }
  turn.sql.run(
    `INSERT INTO idempotency (account_id, key_id, key, fingerprint, owner, began_at, event, body)
     VALUES (?, ?, ?, ?, ?, ?, NULL, NULL)
     ON CONFLICT (account_id, key_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, owner = excluded.owner,
       began_at = excluded.began_at, event = NULL, body = NULL`,
    key.account,
    key.keyId,
    key.key,
    key.fingerprint,
    key.owner,
    turn.now,
  );
  return { kind: "run" };
}

/** Whether this request still holds its key; asked by the transaction that inserts. */
export function ownsKey(turn: Turn, key: IdempotencyKey): boolean {
  const known = find(turn, key);
  return known !== undefined && known.owner === key.owner && known.body === null;
}

/** Stores the result in the transaction that made it. `event`: what D1 must have seen before anyone may hear it. */
export function finishIdempotent(turn: Turn, key: IdempotencyKey, body: string, event: number): void {
  turn.sql.run(
    "UPDATE idempotency SET body = ?, event = ? WHERE account_id = ? AND key_id = ? AND key = ? AND owner = ?",
    body,
    event,
    key.account,
    key.keyId,
    key.key,
    key.owner,
  );
}

/** A request that failed frees its key. */
export function freeKey(turn: Turn, key: IdempotencyKey): void {
  turn.sql.run(
    "DELETE FROM idempotency WHERE account_id = ? AND key_id = ? AND key = ? AND owner = ? AND body IS NULL",
    key.account,
    key.keyId,
    key.key,
    key.owner,
  );
}
