/**
 * Commit: the upload is closed, its bytes are compared with the manifest, made durable and given a name. Each step can
 * be the last before a kill:
 *
 * 1. temp file checked and on disk;   a repeat starts over
 * 2. `link` to the name;              the temp file has two links: a repeat, or the next start, finds the name by inode
 * 3. record in the journal;           a repeat is answered from it
 * 4. temp file and log removed
 */
import { stat } from "node:fs/promises";
import type { CommitAnswer, CommitCall } from "../../storage/disk-wire.ts";
import { errnoCode, isErrno, isForbidden } from "./errno.ts";
import { etagOf } from "./etag.ts";
import type { Journal } from "./journal.ts";
import { permanentFault } from "./permanent-fault.ts";
import type { Places } from "./place.ts";
import type { Upload } from "./upload.ts";
import type { Uploads } from "./uploads.ts";

type Refused = Extract<CommitAnswer, { kind: "refused" }>;

export interface CommitDeps {
  uploads: Uploads;
  journal: Journal;
  places: Places;
  now: () => number;
}

export class Commits {
  readonly #deps: CommitDeps;
  readonly #running = new Map<string, Promise<CommitAnswer>>();

  constructor(deps: CommitDeps) {
    this.#deps = deps;
  }

  isRunning(uploadId: string): boolean {
    return this.#running.has(uploadId);
  }

  /** Resolves when a running commit of this upload is over, whatever its outcome. */
  async settled(uploadId: string): Promise<void> {
    await this.#running.get(uploadId);
  }

  /** A caller that gave up waiting and asks again waits for the commit that still runs, then hears of it. */
  async commit(call: CommitCall): Promise<CommitAnswer> {
    while (this.#running.has(call.upload_id)) await this.#running.get(call.upload_id);
    const flight = this.#commit(call).catch(passingFault);
    this.#running.set(call.upload_id, flight);
    try {
      return await flight;
    } finally {
      this.#running.delete(call.upload_id);
    }
  }

  /** At start: uploads that a killed host had already given their name. */
  async recover(): Promise<void> {
    for (const upload of this.#deps.uploads.all()) {
      if (this.#deps.journal.commitOf(upload.record.id) !== undefined) await this.#deps.uploads.remove(upload);
      else if ((await countLinks(upload.path)) > 1) await this.#finishLinked(upload);
    }
  }

  async #commit(call: CommitCall): Promise<CommitAnswer> {
    const upload = this.#deps.uploads.get(call.upload_id);
    if (upload === undefined) return this.#repeat(call);
    const { job, token, key } = upload.record;
    if (job !== call.job || token !== call.token || key !== call.key) return refused("wrong_upload", false);
    await upload.close();
    const links = await countLinks(upload.path);
    if (links === 0) return this.#refuse(upload, "missing_upload", false);
    if (links > 1) {
      const done = await this.#finishLinked(upload);
      if (done !== null) return done;
    }
    const durable = await makeDurable(upload, call);
    if ("fault" in durable) return this.#refuse(upload, durable.fault, false);
    try {
      const placed = await this.#deps.places.link(upload.path, key);
      if (placed === null) {
        await this.#deps.uploads.remove(upload);
        return { kind: "taken" };
      }
      return await this.#finish(upload, placed, durable.sha256);
    } catch (error) {
      const readOnly = isForbidden(error) ? await this.#deps.places.readOnlyFolder(key) : null;
      if (readOnly !== null) return { ...(await this.#refuse(upload, "read_only", true)), read_only: readOnly };
      const code = permanentFault(error);
      if (code === null) throw error;
      return this.#refuse(upload, code, true);
    }
  }

  #repeat(call: CommitCall): CommitAnswer {
    const known = this.#deps.journal.commitOf(call.upload_id);
    if (known === undefined) return refused("unknown_upload", false);
    if (known.job !== call.job || known.token !== call.token) return refused("wrong_upload", false);
    const { key, size, etag, sha256 } = known;
    return { kind: "committed", key, size, etag, sha256 };
  }

  async #refuse(upload: Upload, code: string, permanent: boolean): Promise<Refused> {
    await this.#deps.uploads.remove(upload);
    return refused(code, permanent);
  }

  async #finishLinked(upload: Upload): Promise<CommitAnswer | null> {
    const placed = await this.#deps.places.findLink(upload.path, upload.record.key);
    if (placed === null) return null;
    const { size } = await stat(upload.path);
    return this.#finish(upload, placed, await upload.prefix.digest(size));
  }

  async #finish(upload: Upload, key: string, sha256: string): Promise<CommitAnswer> {
    const stats = await stat(upload.path, { bigint: true });
    const size = Number(stats.size);
    const etag = etagOf(stats);
    const { id, job, token } = upload.record;
    await this.#deps.journal.recordCommit({ upload: id, job, token, key, size, etag, sha256, at: this.#deps.now() });
    await this.#deps.uploads.remove(upload);
    return { kind: "committed", key, size, etag, sha256 };
  }
}

/** The bytes are those of the manifest, and on disk; or what is wrong with them. */
async function makeDurable(upload: Upload, call: CommitCall): Promise<{ sha256: string } | { fault: string }> {
  const fault = compareParts(upload, call);
  if (fault !== null) return { fault };
  const file = await upload.openData();
  try {
    const before = await file.stat({ bigint: true });
    // Nobody but us has counted these bytes: that they are still those which were claimed, only their time can tell.
    if (call.sha256 === null && !claimedAt(upload, call, before.mtimeNs)) return { fault: "not_as_claimed" };
    // A part that the manifest does not name, or the torn end of one, may lie beyond.
    if (before.size !== BigInt(call.size)) await file.truncate(call.size);
    const sha256 = await contentHash(upload, call);
    if (call.sha256 !== null && sha256 !== call.sha256) return { fault: "checksum_mismatch" };
    await file.sync();
    const after = await file.stat({ bigint: true });
    if (call.sha256 === null && after.mtimeNs !== before.mtimeNs) return { fault: "not_as_claimed" };
    return { sha256 };
  } finally {
    await file.close();
  }
}

/** Every part was claimed in place, of a file that was last written at this time. */
function claimedAt(upload: Upload, call: CommitCall, mtimeNs: bigint): boolean {
  return call.parts.every(({ part_number }) => upload.parts.get(part_number)?.claimed_at === String(mtimeNs));
}

function compareParts(upload: Upload, call: CommitCall): string | null {
  if (upload.record.size !== null && upload.record.size !== call.size) return "wrong_size";
  let size = 0;
  for (const [index, part] of call.parts.entries()) {
    const record = upload.parts.get(part.part_number);
    if (part.part_number !== index + 1 || record === undefined) return "missing_part";
    if (record.size !== part.size || record.tag !== unquote(part.etag)) return "wrong_part";
    const last = index === call.parts.length - 1;
    if (!last && record.size !== upload.record.part_size) return "wrong_part_size";
    size += record.size;
  }
  return size === call.size ? null : "wrong_size";
}

/** One part that was hashed while it was written costs nothing more; several are read once, mostly while they came. */
async function contentHash(upload: Upload, call: CommitCall): Promise<string> {
  const only = call.parts.length === 1 ? upload.parts.get(1) : undefined;
  return only?.sha256 ?? upload.prefix.digest(call.size);
}

/** 0: the temp file was removed by hand. */
async function countLinks(path: string): Promise<number> {
  try {
    return (await stat(path)).nlink;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
}

function unquote(etag: string): string {
  return etag.replace(/^"|"$/g, "");
}

function refused(code: string, permanent: boolean): Refused {
  return { kind: "refused", code, permanent };
}

function passingFault(error: unknown): CommitAnswer {
  return { kind: "unavailable", code: errnoCode(error) };
}
