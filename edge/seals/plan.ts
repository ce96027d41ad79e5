/**
 * Moving sealed records to the first key of `TRAWL_KEK` (docs/decisions/121). Whoever holds records hands them out a page
 * at a time; a record that has changed meanwhile is left for the next round.
 */
import { kekOf, type SecretBox, SecretBoxError } from "../auth/secret-box.ts";

/** One sealed record where it stands. */
export interface SealedRecord {
  id: string | number;
  account: string;
  sealed: string;
}

export interface Move {
  id: string | number;
  old: string;
  new: string;
}

/** What became of a page. */
export interface SealPage {
  /** Records by the id of the key under which they were found. */
  found: Record<string, number>;
  /** Records that are under the first key now. */
  moved: number;
  /** Where the next page begins; null: this was the last. */
  next: string | null;
}

/** What to put in place of what. A record that does not open stays: it is counted, and nobody's guess is better. */
export async function planMoves(
  box: SecretBox,
  purpose: string,
  records: readonly SealedRecord[],
): Promise<{ found: Record<string, number>; moves: Move[] }> {
  const found: Record<string, number> = {};
  const planned = await Promise.all(
    records.map(async ({ id, account, sealed }): Promise<Move | null> => {
      const kek = kekOf(sealed) ?? "unreadable";
      found[kek] = (found[kek] ?? 0) + 1;
      if (kek === box.ids[0]) return null;
      try {
        return { id, old: sealed, new: await box.rewrap(sealed, { account, purpose }) };
      } catch (error) {
        if (error instanceof SecretBoxError) return null;
        throw error;
      }
    }),
  );
  return { found, moves: planned.filter((move) => move !== null) };
}
