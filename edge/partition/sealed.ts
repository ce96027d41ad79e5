/** The children of a list carry a copy of what was entrusted to it; how much that may be. */

/** Rows of one list travel in one message of at most 32 MiB, and to D1 a megabyte a flight. */
const MAX_SEALED_BYTES_PER_LIST = 16 * 1_048_576;

/** @param sealed the record as it stands in each row. */
export function sealedTooLarge(sealed: string | null, jobs: number): boolean {
  return (sealed?.length ?? 0) * jobs > MAX_SEALED_BYTES_PER_LIST;
}

export function secretsTooLarge(jobs: number): string {
  return `cookies are too large for a list of ${jobs} items`;
}
