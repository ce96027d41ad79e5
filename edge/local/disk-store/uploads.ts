/** The uploads in progress: begin, look up, abort, recover after a restart, sweep. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BeginCall } from "../../storage/disk-wire.ts";
import { maxUploadBytes, partSize } from "../../storage/part-size.ts";
import { RefusedError } from "./errors.ts";
import { ABANDONED_AFTER_MS, MAX_OPEN_UPLOADS } from "./limits.ts";
import { splitKey } from "./paths.ts";
import { DATA_SUFFIX, LOG_SUFFIX, Upload } from "./upload.ts";

/** Parts may pass through the Worker, and at `begin` nobody knows where the node is. */
const ROUTE = { proxied: true };
const UPLOAD_FILE = new RegExp(`^([0-9a-f]{32})(?:\\${DATA_SUFFIX}|\\${LOG_SUFFIX})$`);

export class Uploads {
  readonly #folder: string;
  readonly #byId = new Map<string, Upload>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads back what a killed host left; what cannot be read back was never acknowledged and goes. */
  static async open(folder: string): Promise<Uploads> {
    const uploads = new Uploads(folder);
    await mkdir(folder, { recursive: true });
    const files = await uploads.#files();
    for (const [id, names] of files) {
      const whole = names.has(`${id}${LOG_SUFFIX}`) && names.has(`${id}${DATA_SUFFIX}`);
      const upload = whole ? await Upload.load(folder, id) : null;
      if (upload !== null) uploads.#byId.set(id, upload);
    }
    await uploads.#removeUnknown(files);
    return uploads;
  }

  async begin(call: BeginCall, now: number): Promise<Upload> {
    splitKey(call.key);
    const { upload_id: chosen, ...intent } = call;
    const known = chosen === undefined ? undefined : this.#byId.get(chosen);
    if (known !== undefined) return known;
    const size = partSize(call.size, ROUTE);
    if (call.size !== null && call.size > maxUploadBytes(size, ROUTE)) throw new RefusedError(413, "too_large");
    if (this.#byId.size >= MAX_OPEN_UPLOADS) throw new RefusedError(503, "too_many_uploads");
    const id = chosen ?? randomBytes(16).toString("hex");
    const upload = new Upload(this.#folder, { ...intent, id, part_size: size, began: now });
    this.#byId.set(id, upload);
    try {
      await upload.create();
    } catch (error) {
      await this.remove(upload).catch(() => undefined);
      throw error;
    }
    return upload;
  }

  get(id: string): Upload | undefined {
    return this.#byId.get(id);
  }

  all(): Upload[] {
    return [...this.#byId.values()];
  }

  /** Cuts what is open and removes the files. */
  async remove(upload: Upload): Promise<void> {
    await upload.close();
    await upload.remove();
    this.#byId.delete(upload.record.id);
  }

  /** Abandoned uploads and files that belong to none; how many of both. `skip`: those being committed. */
  async sweep(now: number, skip: (id: string) => boolean): Promise<number> {
    let removed = 0;
    for (const upload of this.all()) {
      if (skip(upload.record.id) || upload.open.size > 0 || upload.touched > now - ABANDONED_AFTER_MS) continue;
      await this.remove(upload);
      removed++;
    }
    return removed + (await this.#removeUnknown(await this.#files()));
  }

  async #files(): Promise<Map<string, Set<string>>> {
    const files = new Map<string, Set<string>>();
    for (const name of await readdir(this.#folder)) {
      const id = UPLOAD_FILE.exec(name)?.[1];
      if (id === undefined) continue;
      const names = files.get(id) ?? new Set();
      files.set(id, names.add(name));
    }
    return files;
  }

  async #removeUnknown(files: Map<string, Set<string>>): Promise<number> {
    let removed = 0;
    for (const [id, names] of files) {
      if (this.#byId.has(id)) continue;
      for (const name of names) await rm(join(this.#folder, name), { force: true });
      removed++;
    }
    return removed;
  }
}
