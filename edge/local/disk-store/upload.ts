/**
 * One upload: a temp file `<id>.part` and a log `<id>.log` of JSON lines beside it, the intent first, then each part
 * that was acknowledged. The log lets an upload go on after the host was killed.
 */
import { appendFile, type FileHandle, mkdir, open, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BeginCall } from "../../storage/disk-wire.ts";
import { PrefixHash } from "./prefix-hash.ts";
import { WriteBack } from "./write-back.ts";

export interface UploadRecord extends BeginCall {
  id: string;
  part_size: number;
  /** Unix time, milliseconds. */
  began: number;
}

export interface PartRecord {
  size: number;
  /** Names this write of the part; the node hands it back at the end as the part's ETag. */
  tag: string;
  /**
   * SHA-256, if this process hashed the part while it wrote it. A record read back from the log says what was once
   * written; after a power cut the bytes may be others, so they are read again at commit.
   */
  sha256: string | null;
  /** Of a part that lies in place: when the file was last written, nanoseconds. Absent: its bytes were sent. */
  claimed_at?: string | undefined;
}

/** `sha256`: what the tag was called by logs that are older. */
type LogLine =
  | { part: number; size: number; tag?: string; sha256?: string; claimed_at?: string }
  | { rewriting: number };

/** A part that is being received. */
export interface OpenPart {
  /** Cuts the stream; nothing is written any more once the promise resolves. */
  cut(): Promise<void>;
}

export const DATA_SUFFIX = ".part";
export const LOG_SUFFIX = ".log";

export class Upload {
  readonly record: UploadRecord;
  readonly path: string;
  readonly #log: string;
  readonly parts = new Map<number, PartRecord>();
  readonly open = new Map<number, OpenPart>();
  /** SHA-256 of the bytes from the start, as far as parts have come without a gap. */
  readonly prefix: PrefixHash;
  /** No part is accepted any more. */
  closed = false;
  readonly #writeBack: WriteBack;
  /** Last sign of life, Unix time in milliseconds. */
  touched: number;

  constructor(folder: string, record: UploadRecord) {
    this.record = record;
    this.path = join(folder, `${record.id}${DATA_SUFFIX}`);
    this.#log = join(folder, `${record.id}${LOG_SUFFIX}`);
    this.prefix = new PrefixHash(this.path);
    this.#writeBack = new WriteBack(this.path);
    this.touched = record.began;
  }

  /** The log comes first: a temp file without one is debris, a log without a temp file is nothing. */
  async create(): Promise<void> {
    // Someone may have removed the whole downloads folder meanwhile.
    await mkdir(dirname(this.path), { recursive: true });
    await writeFile(this.#log, `${JSON.stringify(this.record)}\n`, { flag: "wx" });
    await writeFile(this.path, "", { flag: "wx" });
  }

  /** Null: the log holds no intent, so this was never acknowledged. */
  static async load(folder: string, id: string): Promise<Upload | null> {
    const [first, ...rest] = (await readFile(join(folder, `${id}${LOG_SUFFIX}`), "utf8")).split("\n").map(parseJson);
    if (first === null || first === undefined) return null;
    const upload = new Upload(folder, first as UploadRecord);
    for (const line of rest as (LogLine | null)[]) {
      if (line === null) continue;
      if ("rewriting" in line) upload.parts.delete(line.rewriting);
      else {
        const { part, size, tag, sha256, claimed_at } = line;
        upload.parts.set(part, { size, tag: tag ?? sha256 ?? "", sha256: null, claimed_at });
      }
    }
    return upload;
  }

  /** All of it comes in one part: then that part's hash is the file's. */
  get single(): boolean {
    return this.record.size !== null && this.record.size <= this.record.part_size;
  }

  openData(): Promise<FileHandle> {
    return open(this.path, "r+");
  }

  /** A part that was acknowledged is about to be written again: until that ends it counts as missing. */
  async forgetPart(part: number): Promise<void> {
    if (!this.parts.delete(part)) return;
    this.prefix.reset();
    await this.#append({ rewriting: part });
  }

  async recordPart(part: number, record: PartRecord): Promise<void> {
    const { size, tag, claimed_at } = record;
    await this.#append({ part, size, tag, ...(claimed_at === undefined ? {} : { claimed_at }) });
    this.parts.set(part, record);
    this.#writeBack.written(size);
    this.#advancePrefix();
  }

  /** Refuses new parts and cuts the open ones; returns when nothing writes to the file any more. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.open.values()].map((part) => part.cut()));
    await this.#writeBack.settled();
  }

  async remove(): Promise<void> {
    this.prefix.reset();
    await this.#writeBack.settled();
    await rm(this.path, { force: true });
    await rm(this.#log, { force: true });
  }

  /** Hashes behind the writers, from the page cache, so that the commit of a large file has little left to read. */
  #advancePrefix(): void {
    if (this.single) return;
    let end = 0;
    for (let part = 1; ; part++) {
      const record = this.parts.get(part);
      if (record === undefined) break;
      end += record.size;
      if (record.size !== this.record.part_size) break;
    }
    void this.prefix.advance(end).catch(() => {
      // The commit reads the same bytes, meets the same fault and reports it.
    });
  }

  #append(line: LogLine): Promise<void> {
    return appendFile(this.#log, `${JSON.stringify(line)}\n`);
  }
}

/** Our own file; a full disk may have torn its last line. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
