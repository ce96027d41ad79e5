/** `POST /control/<call>`: what only the edge may ask, with the shared secret as bearer. */
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import {
  AbortCall,
  BeginCall,
  ClearFolderCall,
  CommitCall,
  DeleteCall,
  HeadCall,
  ListCall,
  MakeFolderCall,
  MoveFolderCall,
  ReadCall,
  RenameCall,
  SweepCall,
} from "../../storage/disk-wire.ts";
import type { Commits } from "./commit.ts";
import { RefusedError } from "./errors.ts";
import { etagOf } from "./etag.ts";
import type { Folders } from "./folders.ts";
import type { Journal } from "./journal.ts";
import { MAX_CONTROL_BODY_BYTES, READ_CHUNK_BYTES } from "./limits.ts";
import type { Objects, OpenedObject } from "./objects.ts";
import type { Places } from "./place.ts";
import { sendJson } from "./refuse.ts";
import type { Uploads } from "./uploads.ts";

export interface ControlDeps {
  secret: string;
  uploads: Uploads;
  commits: Commits;
  objects: Objects;
  places: Places;
  folders: Folders;
  journal: Journal;
  now: () => number;
}

type Handler = (deps: ControlDeps, body: unknown, response: ServerResponse) => Promise<void>;

const HANDLERS: Readonly<Record<string, Handler>> = {
  async begin(deps, body, response) {
    const call = BeginCall.parse(body);
    const readOnly = await deps.places.readOnlyFolder(call.key);
    if (readOnly !== null) {
      // Before anything is downloaded for it.
      sendJson(response, 200, { read_only: readOnly });
      return;
    }
    const { record } = await deps.uploads.begin(call, deps.now());
    sendJson(response, 200, { upload_id: record.id, part_size: record.part_size });
  },

  async commit(deps, body, response) {
    sendJson(response, 200, await deps.commits.commit(CommitCall.parse(body)));
  },

  async abort(deps, body, response) {
    const { upload_id } = AbortCall.parse(body);
    // A commit that has begun is decided first.
    await deps.commits.settled(upload_id);
    const upload = deps.uploads.get(upload_id);
    if (upload !== undefined) await deps.uploads.remove(upload);
    // If it succeeded, its answer stayed lost: whoever aborts does not know of the file, and nobody else will remove it.
    const done = deps.journal.commitOf(upload_id);
    if (done !== undefined) await deps.objects.delete(done.key, done.etag);
    sendJson(response, 200, {});
  },

  async head(deps, body, response) {
    const found = await deps.objects.head(HeadCall.parse(body).key);
    sendJson(response, 200, found && { size: found.size, etag: found.etag, last_modified: found.lastModified });
  },

  async read(deps, body, response) {
    const { key, range, etag } = ReadCall.parse(body);
    const object = await deps.objects.open(key, etag);
    if (object === null) throw new RefusedError(404, "not_found");
    const start = Math.min(range?.offset ?? 0, object.size);
    const length = Math.min(range?.length ?? object.size, object.size - start);
    response.writeHead(200, { "content-type": "application/octet-stream", "content-length": length });
    if (length === 0) {
      await object.file.close();
      response.end();
      return;
    }
    await pipeline(() => unchangedBytes(object, start, length), response);
  },

  async delete(deps, body, response) {
    const { key, etag } = DeleteCall.parse(body);
    sendJson(response, 200, { deleted: await deps.objects.delete(key, etag) });
  },

  async rename(deps, body, response) {
    const { from, to, etag } = RenameCall.parse(body);
    sendJson(response, 200, await deps.objects.rename(from, to, etag));
  },

  async list(deps, body, response) {
    const { folder, after, limit } = ListCall.parse(body);
    sendJson(response, 200, await deps.folders.list(folder, after, limit));
  },

  async mkdir(deps, body, response) {
    sendJson(response, 200, await deps.folders.make(MakeFolderCall.parse(body).key));
  },

  async movefolder(deps, body, response) {
    const { from, to } = MoveFolderCall.parse(body);
    sendJson(response, 200, await deps.folders.move(from, to));
  },

  async clearfolder(deps, body, response) {
    const { key, limit } = ClearFolderCall.parse(body);
    sendJson(response, 200, { done: await deps.folders.clear(key, limit) });
  },

  async sweep(deps, body, response) {
    const { now } = SweepCall.parse(body);
    sendJson(response, 200, { removed: await sweep(deps, now) });
  },
};

/**
 * The bytes of an open file. The last of them are held back until it is known that the file is still the same: somebody may
 * write into it meanwhile, and the reader is then to see that it has not got it all.
 */
async function* unchangedBytes({ file, etag }: OpenedObject, start: number, length: number): AsyncGenerator<Buffer> {
  const bytes = file.createReadStream({
    start,
    end: start + length - 1,
    highWaterMark: READ_CHUNK_BYTES,
    autoClose: false,
  });
  try {
    let held: Buffer | null = null;
    for await (const chunk of bytes as AsyncIterable<Buffer>) {
      if (held !== null) yield held;
      held = chunk;
    }
    if (etagOf(await file.stat({ bigint: true })) !== etag) throw new RefusedError(409, "changed_meanwhile");
    if (held !== null) yield held;
  } finally {
    await file.close();
  }
}

/** One bounded pass over `.trawl`: abandoned uploads, debris, commits that nobody can ask for any more. */
export async function sweep(deps: Pick<ControlDeps, "uploads" | "commits" | "journal">, now: number): Promise<number> {
  await deps.journal.prune(now);
  return deps.uploads.sweep(now, (id) => deps.commits.isRunning(id));
}

/** Answers a control call; faults of the file system are thrown. */
export async function control(
  deps: ControlDeps,
  name: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (!hasSecret(request, deps.secret)) throw new RefusedError(401, "unauthorized");
  const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
  if (request.method !== "POST" || handler === undefined) throw new RefusedError(404, "no_such_call");
  const body = await readJson(request);
  try {
    await handler(deps, body, response);
  } catch (error) {
    if (error instanceof z.ZodError) throw new RefusedError(400, "bad_call");
    throw error;
  }
}

/** Equal digests instead of equal texts: no length to learn either. */
function hasSecret(request: IncomingMessage, secret: string): boolean {
  return timingSafeEqual(digest(request.headers.authorization ?? ""), digest(`Bearer ${secret}`));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_CONTROL_BODY_BYTES) throw new RefusedError(413, "call_too_large");
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    throw new RefusedError(400, "bad_call");
  }
}
