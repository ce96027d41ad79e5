import type { ShippedOption } from "./shipped-option.ts";
import { SHIPPED_OPTIONS } from "./shipped-options.ts";

/** An option as it is found by one of its spellings. */
export interface FoundOption {
  option: ShippedOption;
  /** The whole spelling, which messages name: `--no-config` of `--no-conf`. */
  flag: string;
}

const BY_FLAG = new Map(SHIPPED_OPTIONS.flatMap((option) => option.flags.map((flag) => [flag, option] as const)));
const LONG_FLAGS: readonly FoundOption[] = [...BY_FLAG]
  .map(([flag, option]) => ({ flag, option }))
  .filter(({ flag }) => flag.startsWith("--"))
  .sort((left, right) => (left.flag < right.flag ? -1 : 1));

/** The one name of an option: its first long spelling, or the short one of the few that have no other. */
export function nameOf({ flags }: ShippedOption): string {
  return flags.find((flag) => flag.startsWith("--")) ?? flags[0] ?? "";
}

export function findShort(flag: string): ShippedOption | undefined {
  return BY_FLAG.get(flag);
}

/**
 * The long options that a spelling may mean: one if it is whole, else those that it begins. Several spellings of one option are
 * one meaning.
 */
export function findLong(typed: string): FoundOption[] {
  const exact = BY_FLAG.get(typed);
  if (exact !== undefined) return [{ option: exact, flag: typed }];
  const start = firstFrom(typed);
  let end = start;
  while (LONG_FLAGS[end]?.flag.startsWith(typed)) end += 1;
  const found = LONG_FLAGS.slice(start, end);
  return found.every(({ option }) => option === found[0]?.option) ? found.slice(0, 1) : found;
}

/** Halves the sorted list: a line may hold a hundred thousand abbreviations. */
function firstFrom(typed: string): number {
  let [low, high] = [0, LONG_FLAGS.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((LONG_FLAGS[middle]?.flag ?? "") < typed) low = middle + 1;
    else high = middle;
  }
  return low;
}
