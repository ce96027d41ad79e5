/**
 * What a bench is: a file `*.bench.ts` of this folder whose default export is a {@link Bench}. `npm run bench` runs them one
 * by one. A figure is a ratio to a peer that does the same work in the same run, because the machines are noisy; the runs
 * of the two are interleaved, and medians are quoted.
 */

export interface Row {
  /** One case, such as `one small MP4`. */
  what: string;
  /** Our median, in `unit`. */
  ours: number;
  /** The peer's median, in `unit`; null for a figure that has no peer (then `budget` is absolute). */
  peer: number | null;
  /** Who the peer is, such as `yt-dlp`. */
  against: string | null;
  unit: "ms" | "MB/s" | "jobs/s" | "MiB" | "KiB" | "count";
  /** Median of ours / peer, pair by pair; null without a peer. */
  ratio: number | null;
  /** What DESIGN promises: a bound on `ratio`, or on `ours` where there is no peer. Null: reported only. */
  budget: { atMost: number } | { atLeast: number } | null;
  runs: number;
}

export interface Bench {
  /** The budget's name, as `docs/operations/benches.md` lists it. */
  name: string;
  /** Milliseconds that a run may take in all before it is ended. */
  limitMillis: number;
  run(): Promise<Row[]>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = sorted.length % 2 === 1 ? [middle, middle] : [middle - 1, middle];
  return ((sorted[low] ?? Number.NaN) + (sorted[high] ?? Number.NaN)) / 2;
}

/** Runs two sides in turn, `A B A B …`, after one uncounted run of each; each answers its figure. */
export async function inTurn(
  runs: number,
  ours: () => Promise<number>,
  peer: () => Promise<number>,
): Promise<{ ours: number; peer: number; ratio: number }> {
  await ours();
  await peer();
  const pairs: [number, number][] = [];
  for (let run = 0; run < runs; run++) pairs.push([await ours(), await peer()]);
  return {
    ours: median(pairs.map(([a]) => a)),
    peer: median(pairs.map(([, b]) => b)),
    ratio: median(pairs.map(([a, b]) => a / b)),
  };
}

/** Milliseconds that a piece of work takes. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
