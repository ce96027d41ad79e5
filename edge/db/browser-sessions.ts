/** Sessions of browsers in D1 (library API 1.2). */
import type { Caller } from "../auth/authenticate.ts";

export const DAY_MS = 86_400_000;

export interface NewSession {
  id: string;
  /** Since 1970. */
  day: number;
  expiresAt: number;
}

/** The credential's session of the day: the one that there is already, or this one. Uses the unique index (credential, day). */
export async function openSession(db: D1Database, { keyId, account }: Caller, session: NewSession): Promise<string> {
  const id = await db
    .prepare(
      `INSERT INTO browser_sessions (id, account_id, credential, day, expires_at) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (credential, day) DO UPDATE SET expires_at = excluded.expires_at RETURNING id`,
    )
    .bind(session.id, account.id, keyId, session.day, session.expiresAt)
    .first<string>("id");
  if (id === null) throw new Error("D1 gave no session");
  return id;
}

/** At most `limit` of those that are over; returns how many. Uses browser_session_age(expires_at). */
export async function forgetSessions(db: D1Database, now: number, limit: number): Promise<number> {
  const { results } = await db
    .prepare(
      `DELETE FROM browser_sessions WHERE id IN
         (SELECT id FROM browser_sessions WHERE expires_at <= ? ORDER BY expires_at LIMIT ?) RETURNING id`,
    )
    .bind(now, limit)
    .all();
  return results.length;
}
