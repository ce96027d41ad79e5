/**
 * What the service must know after its files are gone from `.trawl`: which uploads were committed, so that a commit
 * whose answer was lost can be asked again, and which folders it made, so that it removes no one else's. One file of
 * JSON lines, appended to, rewritten when it has grown to twice what it says.
 */
import { type FileHandle, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { errnoCode, isErrno } from "./errno.ts";
import { COMMIT_KEPT_MS, COMMITS_KEPT_MAX, COMMITS_KEPT_MIN } from "./limits.ts";

export interface CommitRecord {
  upload: string;
  job: string;
  token: string;
  key: string;
  size: number;
  etag: string;
  /** Absent in records of before. */
  sha256?: string | undefined;
  /** Unix time, milliseconds. */
  at: number;
}

type Line = { commit: CommitRecord } | { made: string } | { unmade: string };

export const JOURNAL_FILE = "journal.jsonl";
const COMPACT_MIN_LINES = 256;

export class Journal {
  readonly #folder: string;
  readonly #commits = new Map<string, CommitRecord>();
  readonly #made = new Set<string>();
  #handle: FileHandle | null = null;
  #lines = 0;
  /** Appends and compaction follow one another. */
  #tail: Promise<void> = Promise.resolve();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(folder: string): Promise<Journal> {
    const journal = new Journal(folder);
    const text = await readFile(join(folder, JOURNAL_FILE), "utf8").catch((error: unknown) => {
      if (isErrno(error, "ENOENT")) return "";
      throw error;
    });
    for (const line of text.split("\n")) journal.#apply(parseLine(line));
    await journal.#compact(Date.now());
    return journal;
  }

  commitOf(upload: string): CommitRecord | undefined {
    return this.#commits.get(upload);
  }

  madeFolder(key: string): boolean {
    return this.#made.has(key);
  }

  /** Returns when the record is on disk: the temp file, which proves the commit too, may then go. */
  recordCommit(commit: CommitRecord): Promise<void> {
    return this.#append({ commit }, true);
  }

  recordFolder(key: string, state: "made" | "unmade"): Promise<void> {
    // Lost with the power, it costs an empty folder that nobody removes.
    return this.#append(state === "made" ? { made: key } : { unmade: key }, false);
  }

  /** The folders that we made at or below this one, as keys. */
  madeWithin(key: string): string[] {
    return [...this.#made].filter((made) => made === key || made.startsWith(`${key}/`));
  }

  /** Forgets commits that nobody can ask for any more. */
  prune(now: number): Promise<void> {
    return this.#queue(() => this.#compact(now));
  }

  async close(): Promise<void> {
    await this.#tail;
    await this.#handle?.close();
    this.#handle = null;
  }

  #append(line: Line, durable: boolean): Promise<void> {
    this.#apply(line);
    return this.#queue(async () => {
      await this.#handle?.appendFile(`${JSON.stringify(line)}\n`);
      if (durable) await this.#handle?.datasync();
      if (this.#lines > COMPACT_MIN_LINES + 2 * (this.#commits.size + this.#made.size)) await this.#compact(Date.now());
    });
  }

  #queue(work: () => Promise<void>): Promise<void> {
    const done = this.#tail.then(work);
    this.#tail = done.catch(() => undefined);
    return done;
  }

  #apply(line: Line | null): void {
    if (line === null) return;
    this.#lines++;
    if ("commit" in line) this.#commits.set(line.commit.upload, line.commit);
    else if ("made" in line) this.#made.add(line.made);
    else this.#made.delete(line.unmade);
  }

  async #compact(now: number): Promise<void> {
    for (const [upload, { at }] of this.#commits) {
      const old = at < now - COMMIT_KEPT_MS && this.#commits.size > COMMITS_KEPT_MIN;
      // Oldest first, as a Map keeps the order of insertion.
      if (!old && this.#commits.size <= COMMITS_KEPT_MAX) break;
      this.#commits.delete(upload);
    }
    const lines: Line[] = [...this.#commits.values()].map((commit) => ({ commit }));
    for (const made of this.#made) lines.push({ made });
    const path = join(this.#folder, JOURNAL_FILE);
    const next = await open(`${path}.new`, "w");
    try {
      await next.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      await next.datasync();
      await rename(`${path}.new`, path);
    } catch (error) {
      await next.close();
      throw new Error(`The store's journal cannot be written: ${errnoCode(error)}`, { cause: error });
    }
    // The handle follows the file through the rename.
    await this.#handle?.close();
    this.#handle = next;
    this.#lines = lines.length;
  }
}

/** Our own file, but a kill or a full disk may have torn its last line. */
function parseLine(text: string): Line | null {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === "object" && line !== null ? (line as Line) : null;
  } catch {
    return null;
  }
}
