/** Miniflare reads this at every start of workerd, restarts after a crash included. */
const VARIABLE = "MINIFLARE_WORKERD_PATH";

/** Wrappers of the runtimes that live in this process, newest last. */
const inUse: string[] = [];

/**
 * Makes Miniflare start workerd through a wrapper, until the returned function is called. The variable is the
 * process's, so it must name a script that exists as long as any runtime here may restart; the scripts of several data
 * folders are the same, what differs reaches them by environment.
 */
export function useWrapper(path: string): () => void {
  inUse.push(path);
  process.env[VARIABLE] = path;
  return () => {
    const at = inUse.lastIndexOf(path);
    if (at >= 0) inUse.splice(at, 1);
    const newest = inUse.at(-1);
    if (newest === undefined) delete process.env[VARIABLE];
    else process.env[VARIABLE] = newest;
  };
}
