/**
 * The disk store service: keeps objects as plain files under a downloads folder. It runs inside the embedded host and
 * listens on loopback only. Two kinds of request: signed part uploads from nodes, control calls from the edge.
 */
import { mkdir, realpath } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { importPartKey, isPartPath } from "../../storage/part-signature.ts";
import { Commits } from "./commit.ts";
import { type ControlDeps, control, sweep } from "./control.ts";
import { errnoCode } from "./errno.ts";
import { RefusedError } from "./errors.ts";
import { Folders } from "./folders.ts";
import { Journal } from "./journal.ts";
import {
  HEADERS_TIMEOUT_MS,
  KEEP_ALIVE_MS,
  LINGER_STRANGER_BYTES,
  MAX_CONNECTIONS,
  MAX_HEADER_BYTES,
  PART_IDLE_MS,
} from "./limits.ts";
import { Objects } from "./objects.ts";
import { type PartPutDeps, putPart } from "./part-put.ts";
import { BadKeyError, OWN_FOLDER } from "./paths.ts";
import { Places } from "./place.ts";
import { refuse } from "./refuse.ts";
import { Uploads } from "./uploads.ts";

export interface DiskStoreServiceOptions {
  /** Where the files go. Made if missing. One service per folder: the host's lock sees to it. */
  downloadsDir: string;
  /** Shared with the Worker's adapter. */
  secret: string;
  /** Loopback port. Defaults to a free one. */
  port?: number;
  /** Unix time in milliseconds. Defaults to the system clock. */
  now?: () => number;
}

export interface DiskStoreService {
  /** `http://127.0.0.1:<port>` */
  url: string;
  port: number;
  /** Absolute. Whoever may write here may put an upload's bytes in their place and claim its parts. */
  uploadsDir: string;
  /** Removes what abandoned uploads left behind; how many uploads that were. */
  sweep(now: number): Promise<number>;
  /** Cuts open parts, which stay unacknowledged; all else survives to the next start. */
  close(): Promise<void>;
}

type ServiceDeps = ControlDeps & PartPutDeps;

/**
 * @example
 * const store = await startDiskStore({ downloadsDir: "./downloads", secret });
 * await store.close();
 */
export async function startDiskStore(options: DiskStoreServiceOptions): Promise<DiskStoreService> {
  await mkdir(options.downloadsDir, { recursive: true });
  const root = await realpath(options.downloadsDir);
  const uploads = await Uploads.open(join(root, OWN_FOLDER));
  const journal = await Journal.open(join(root, OWN_FOLDER));
  const places = new Places(root, journal);
  const now = options.now ?? Date.now;
  const commits = new Commits({ uploads, journal, places, now });
  await commits.recover();
  const partKey = await importPartKey(options.secret);
  const objects = new Objects(root, places);
  const folders = new Folders(root, journal, places);
  const deps: ServiceDeps = {
    secret: options.secret,
    uploads,
    commits,
    objects,
    places,
    folders,
    journal,
    partKey,
    now,
  };

  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES }, (request, response) => {
    void answer(deps, request, response);
  });
  // A part on a slow line may take longer than any fixed time; a silent one is cut by the idle timeout.
  server.requestTimeout = 0;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = MAX_CONNECTIONS;
  server.setTimeout(PART_IDLE_MS, (socket) => socket.destroy());
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });

  return {
    url: `http://127.0.0.1:${port}`,
    port,
    uploadsDir: join(root, OWN_FOLDER),
    sweep: (at) => sweep(deps, at),
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all(uploads.all().map((upload) => upload.close()));
      await Promise.all(uploads.all().map((upload) => commits.settled(upload.record.id)));
      server.closeAllConnections();
      await closed;
      await journal.close();
    },
  };
}

async function answer(deps: ServiceDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const url = new URL(request.url ?? "/", "http://store");
    if (request.method === "PUT" && isPartPath(url.pathname)) return await putPart(deps, url, request, response);
    const name = /^\/control\/([a-z]+)$/.exec(url.pathname)?.[1];
    if (name === undefined) throw new RefusedError(404, "no_such_path");
    await control(deps, name, request, response);
  } catch (error) {
    // Headers are out: the reader must not take what it has for the whole.
    if (response.headersSent) response.destroy();
    else refuse(request, response, ...faultOf(error), LINGER_STRANGER_BYTES);
  }
}

function faultOf(error: unknown): [status: number, code: string] {
  if (error instanceof RefusedError) return [error.status, error.code];
  if (error instanceof BadKeyError) return [400, "bad_key"];
  return [503, errnoCode(error)];
}
