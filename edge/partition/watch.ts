/** Who is watching: it decides how often nodes send progress (DESIGN section 3.7). In memory; a loss costs one interval. */
import { WATCHED_AFTER_READ_MS } from "../../shared/limits.ts";

export class Watch {
  readonly #jobs = new Map<string, number>();
  readonly #paces = new Map<string, number>();

  /** A job was read: it counts as watched for 15 s. */
  read(job: string, now: number): void {
    this.#jobs.set(job, now + WATCHED_AFTER_READ_MS);
    if (this.#jobs.size > 10_000) this.#prune(now);
  }

  isWatched(job: string, now: number): boolean {
    return (this.#jobs.get(job) ?? 0) > now;
  }

  /** Remembers the pace a node was told; true when this one is news to it. */
  tell(node: string, paceMs: number): boolean {
    if (this.#paces.get(node) === paceMs) return false;
    this.#paces.set(node, paceMs);
    return true;
  }

  #prune(now: number): void {
    for (const [job, until] of this.#jobs) if (until <= now) this.#jobs.delete(job);
  }
}
