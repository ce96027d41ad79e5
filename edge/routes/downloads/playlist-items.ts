/** `playlist_items`: which entries of a list are wanted, as in `1-5,8`. */
import { MAX_CALL_ENTRIES } from "../../../shared/contract/calls.ts";
import { AppError } from "../../app-error.ts";

/** Longer than any list of this size has to be written. */
const MAX_TEXT_LENGTH = 8_192;
const TERM = /^(\d{1,9})(?:-(\d{1,9}))?$/;

/**
 * The 1-based numbers in ascending order, each once; null for a blank text, which is an omitted one. What lies beyond the
 * longest list is dropped.
 *
 * @example parsePlaylistItems("1-3, 8") // [1, 2, 3, 8]
 * @throws AppError 400
 */
export function parsePlaylistItems(text: string): number[] | null {
  if (text.trim() === "") return null;
  if (text.length > MAX_TEXT_LENGTH) throw badItems();
  const wanted = new Set<number>();
  for (const term of text.split(",")) {
    const [, first, last = first] = TERM.exec(term.replaceAll(" ", "")) ?? [];
    const [from, to] = [Number(first), Number(last)];
    if (!(from >= 1 && to >= from)) throw badItems();
    for (let number = from; number <= Math.min(to, MAX_CALL_ENTRIES); number++) wanted.add(number);
  }
  return [...wanted].sort((a, b) => a - b);
}

function badItems(): AppError {
  return new AppError("invalid", "playlist_items must be 1-based numbers and ranges such as 1-5,8");
}
