/** An account's pause: nothing of it is handed out until it is resumed, and what runs goes on (library API 10.2). */
import { type AccountFacts, upsertAccount } from "./create.ts";
import { recordAccountEvent } from "./events.ts";
import type { LiveJob } from "./job-row.ts";
import { returnOne } from "./sessions.ts";
import type { Turn } from "./turn.ts";

/** The event with which D1 hears of it; null: the account was so already. */
export function setPaused(turn: Turn, account: AccountFacts, paused: boolean): number | null {
  upsertAccount(turn, account);
  const row = turn.sql.get<{ paused: number }>("SELECT paused FROM accounts WHERE id = ?", account.id);
  if (row?.paused === Number(paused)) return null;
  if (paused) takeOffersBack(turn, account.id);
  else turn.effects.ring = true;
  turn.sql.run("UPDATE accounts SET paused = ? WHERE id = ?", Number(paused), account.id);
  turn.figures.forget();
  return recordAccountEvent(turn, account.id);
}

/** What a node has been offered and not confirmed would still begin. Uses job_due_offer: as many as nodes have slots, at most. */
function takeOffersBack(turn: Turn, account: string): void {
  const offered = turn.sql.all<LiveJob>(
    "SELECT * FROM jobs INDEXED BY job_due_offer WHERE state = 'offered' AND account_id = ?",
    account,
  );
  for (const job of offered) returnOne(turn, job);
}
