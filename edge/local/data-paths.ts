import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";

/** What lies where in a data folder. */
export type DataPaths = {
  dir: string;
  /** D1 and Durable Objects, as Miniflare lays them out. */
  state: string;
  credentials: string;
  /** For people and tests: which host and which workerd own this folder. */
  lock: string;
  /** The kernel's lock on this file is the guarantee; it has no content. */
  lockHeld: string;
  /** Written by workerd's wrapper before workerd can open a database: pid and start time. */
  workerdPid: string;
  workerdWrapper: string;
  /** Miniflare's scratch folder; emptied at each start, so that a kill -9 leaves nothing for good. */
  scratch: string;
  node: string;
  nodeIdentity: string;
};

/** Names the parts of a data folder; touches nothing. */
export function dataPaths(dataDir: string): DataPaths {
  const dir = resolve(dataDir);
  const run = join(dir, "run");
  const node = join(dir, "node");
  return {
    dir,
    state: join(dir, "state"),
    credentials: join(dir, "credentials.json"),
    lock: join(dir, "lock"),
    lockHeld: join(dir, "lock.db"),
    workerdPid: join(run, "workerd.pid"),
    workerdWrapper: join(run, "workerd"),
    scratch: join(run, "tmp"),
    node,
    nodeIdentity: join(node, "identity.json"),
  };
}

/**
 * Makes the folders. They are for their owner alone, as they hold keys and other people's jobs; through two of them others
 * may pass, and see nothing: the node's tools, which have a uid of their own, on the way to their folder.
 */
export async function makeDataFolders(paths: DataPaths): Promise<void> {
  const mode = 0o700;
  const passage = 0o711;
  await mkdir(paths.dir, { recursive: true, mode: passage });
  await mkdir(paths.state, { recursive: true, mode });
  await mkdir(paths.node, { recursive: true, mode: passage });
  await mkdir(join(paths.dir, "run"), { recursive: true, mode });
}
